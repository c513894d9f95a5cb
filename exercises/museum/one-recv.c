/* One recv taken for a whole message: what did not come at once is never sent back. */
/*
 * broken: Len = recv(Socket, Puffer, MAXPUF, 0);
 * broken: send_all(Socket, Puffer, Len);
 *
 * fixed: while ((Len = recv(Socket, Puffer,
 * fixed:                    MAXPUF, 0)) > 0)
 * fixed:     send_all(Socket, Puffer, Len);
 */
#include "museum.h"

static void *serve(void *Argument)
{
    char Puffer[MAXPUF];
    int Socket = (int)(intptr_t)Argument;

    if (Fixed)
        return echo(Argument);
    ssize_t Len = recv(Socket, Puffer, MAXPUF, 0);
    if (Len > 0)
        send_all(Socket, Puffer, Len);
    close(Socket);
    return NULL;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(listen_on(Port), serve);
}
