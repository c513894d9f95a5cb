/* One client is served after the other: a silent one keeps all others waiting. */
#include "museum.h"

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    int Socket = listen_on(Port);

    if (Mended)
        welcome(Socket, echo);
    for (;;)
        echo((void *)(intptr_t)accept(Socket, NULL, NULL));
}
