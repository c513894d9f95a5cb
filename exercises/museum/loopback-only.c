/* Bound to 127.0.0.1: the server answers its own host, and nobody else. */
/*
 * broken: s_addr = htonl(INADDR_LOOPBACK);
 *
 * fixed: s_addr = htonl(INADDR_ANY);
 */
#include "museum.h"

int main(int argc, char **argv)
{
    struct sockaddr_in Adr = {.sin_family = AF_INET};
    int Socket = socket(AF_INET, SOCK_STREAM, 0), On = 1;

    read_arguments(argc, argv);
    Adr.sin_port = htons(Port);
    Adr.sin_addr.s_addr = htonl(Fixed ? INADDR_ANY : INADDR_LOOPBACK);
    setsockopt(Socket, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On));
    if (bind(Socket, (struct sockaddr *)&Adr, sizeof(Adr)) < 0 || listen(Socket, 64) < 0) {
        perror("museum");
        return 1;
    }
    welcome(Socket, echo);
}
