/* The length of a message measured by strlen: nothing behind a zero byte is sent back. */
/*
 * broken: send_all(Socket, Puffer,
 * broken:          strlen(Puffer));
 *
 * fixed: send_all(Socket, Puffer, Len);
 */
#include "museum.h"

static void *serve(void *Argument)
{
    char Puffer[MAXPUF + 1];
    int Socket = (int)(intptr_t)Argument;
    ssize_t Len;

    if (Fixed)
        return echo(Argument);
    while ((Len = recv(Socket, Puffer, MAXPUF, 0)) > 0) {
        Puffer[Len] = 0;
        if (send_all(Socket, Puffer, strlen(Puffer)) < 0)
            break;
    }
    close(Socket);
    return NULL;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(listen_on(Port), serve);
}
