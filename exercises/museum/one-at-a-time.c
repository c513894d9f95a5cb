/* One client is served after the other: a silent one keeps all others waiting. */
/*
 * broken: echo(accept(Socket, NULL, NULL));
 *
 * fixed: Client = accept(Socket, NULL, NULL);
 * fixed: pthread_create(..., echo, Client);
 */
#include "museum.h"

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    int Socket = listen_on(Port);

    if (Fixed)
        welcome(Socket, echo);
    for (;;)
        echo((void *)(intptr_t)accept(Socket, NULL, NULL));
}
