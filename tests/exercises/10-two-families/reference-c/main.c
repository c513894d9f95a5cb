/* main PORT: greet and echo clients of both address families. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPUF 1023

static int send_all(int Socket, const char *Puffer, ssize_t Len)
{
    for (ssize_t Sent = 0; Sent < Len;) {
        ssize_t More = send(Socket, Puffer + Sent, Len - Sent, MSG_NOSIGNAL);
        if (More < 0)
            return -1;
        Sent += More;
    }
    return 0;
}

static void serve(int ForeignSocket, const char *Address)
{
    char Puffer[MAXPUF];
    ssize_t Len = snprintf(Puffer, sizeof(Puffer), "you are %s\n", Address);

    while (Len > 0 && send_all(ForeignSocket, Puffer, Len) == 0)
        Len = recv(ForeignSocket, Puffer, MAXPUF, 0);
}

static int listen_on(int Family, unsigned short Port)
{
    struct sockaddr_in Four = {.sin_family = AF_INET, .sin_port = htons(Port)};
    struct sockaddr_in6 Six = {.sin6_family = AF_INET6, .sin6_port = htons(Port)};
    int MySocket = socket(Family, SOCK_STREAM, 0), On = 1;
    int Bound;

    if (Family == AF_INET6) {
        setsockopt(MySocket, IPPROTO_IPV6, IPV6_V6ONLY, &On, sizeof(On));
        Bound = bind(MySocket, (struct sockaddr *)&Six, sizeof(Six));
    } else {
        Bound = bind(MySocket, (struct sockaddr *)&Four, sizeof(Four));
    }
    if (Bound < 0 || listen(MySocket, 5) < 0) {
        perror("main");
        exit(1);
    }
    return MySocket;
}

int main(int argc, char **argv)
{
    struct pollfd Sockets[2];
    unsigned short Port;

    if (argc != 2)
        return 2;
    Port = (unsigned short)atoi(argv[1]);
    Sockets[0].fd = listen_on(AF_INET, Port);
    Sockets[1].fd = listen_on(AF_INET6, Port);
    Sockets[0].events = Sockets[1].events = POLLIN;
    for (;;) {
        poll(Sockets, 2, -1);
        for (int i = 0; i < 2; i++) {
            char Address[INET6_ADDRSTRLEN];
            struct sockaddr_storage Sender;
            socklen_t Len = sizeof(Sender);
            int ForeignSocket;

            if (Sockets[i].revents == 0)
                continue;
            ForeignSocket = accept(Sockets[i].fd, (struct sockaddr *)&Sender, &Len);
            if (ForeignSocket < 0)
                continue;
            if (Sender.ss_family == AF_INET)
                inet_ntop(AF_INET, &((struct sockaddr_in *)&Sender)->sin_addr,
                          Address, sizeof(Address));
            else
                inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&Sender)->sin6_addr,
                          Address, sizeof(Address));
            serve(ForeignSocket, Address);
            close(ForeignSocket);
        }
    }
}
