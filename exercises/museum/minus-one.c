/* The result of recv is not checked: -1, as a length, is more than any buffer has. */
/*
 * broken: if (Len != 0)
 * broken:     send(Socket, Puffer, Len, 0);
 *
 * fixed: if (Len > 0)
 * fixed:     send_all(Socket, Puffer, Len);
 */
#include "museum.h"

static void *serve(void *Argument)
{
    static char Puffer[MAXPUF];
    int Socket = (int)(intptr_t)Argument;
    ssize_t Len;

    if (Fixed)
        return echo(Argument);
    do {
        Len = recv(Socket, Puffer, MAXPUF, 0);
        if (Len != 0)
            send(Socket, Puffer, Len, 0);
    } while (Len > 0);
    close(Socket);
    return NULL;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(listen_on(Port), serve);
}
