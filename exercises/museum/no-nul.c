/* What recv returns is not a C string: nothing ends it, and what was there before shows. */
/*
 * broken: snprintf(Answer, ..., "%s", Puffer);
 * broken: send_all(Socket, Answer, Len);
 *
 * fixed: send_all(Socket, Puffer, Len);
 */
#include "museum.h"

static void *serve(void *Argument)
{
    static char Puffer[MAXPUF + 1], Answer[2 * MAXPUF];
    int Socket = (int)(intptr_t)Argument;
    ssize_t Len;

    if (Fixed)
        return echo(Argument);
    while ((Len = recv(Socket, Puffer, MAXPUF, 0)) > 0) {
        Len = snprintf(Answer, sizeof(Answer), "%s", Puffer);
        if (send_all(Socket, Answer, Len) < 0)
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
