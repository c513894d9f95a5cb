/* No SO_REUSEADDR: after a stop with clients connected, the port is taken for a minute. */
/*
 * broken: bind(Socket, ...);
 *
 * fixed: setsockopt(Socket, SOL_SOCKET,
 * fixed:            SO_REUSEADDR, &On, ...);
 * fixed: bind(Socket, ...);
 */
#include "museum.h"

static int listen_once(unsigned short Number)
{
    struct sockaddr_in Adr = {.sin_family = AF_INET, .sin_port = htons(Number)};
    int Socket = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(Socket, (struct sockaddr *)&Adr, sizeof(Adr)) < 0 || listen(Socket, 64) < 0) {
        perror("museum");
        exit(1);
    }
    return Socket;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(Fixed ? listen_on(Port) : listen_once(Port), echo);
}
