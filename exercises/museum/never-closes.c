/* The socket of a client that has finished stays open: the client never sees the end. */
/*
 * broken: while (recv(...) > 0)
 * broken:     send_all(...);
 * broken: return NULL;
 *
 * fixed: while (recv(...) > 0)
 * fixed:     send_all(...);
 * fixed: close(Socket);
 * fixed: return NULL;
 */
#include "museum.h"

static void *serve(void *Argument)
{
    char Puffer[MAXPUF];
    int Socket = (int)(intptr_t)Argument;
    ssize_t Len;

    if (Fixed)
        return echo(Argument);
    while ((Len = recv(Socket, Puffer, MAXPUF, 0)) > 0 && send_all(Socket, Puffer, Len) == 0)
        ;
    return NULL;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(listen_on(Port), serve);
}
