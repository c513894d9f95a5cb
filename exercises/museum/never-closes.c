/* The socket of a client that has finished stays open: the client never sees the end. */
#include "museum.h"

static void *serve(void *Argument)
{
    char Puffer[MAXPUF];
    int Socket = (int)(intptr_t)Argument;
    ssize_t Len;

    if (Mended)
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
