/* What the exhibits share: the parts of an echo server that are right. */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPUF 1023

/* Whether the exhibit was started as `NAME fixed PORT`, not as `NAME broken PORT`. */
static int Fixed;
static unsigned short Port;

__attribute__((unused)) static int send_all(int Socket, const char *Puffer, ssize_t Len)
{
    for (ssize_t Sent = 0; Sent < Len;) {
        ssize_t More = send(Socket, Puffer + Sent, Len - Sent, MSG_NOSIGNAL);
        if (More < 0)
            return -1;
        Sent += More;
    }
    return 0;
}

/* Send back what comes until the client has finished. */
__attribute__((unused)) static void *echo(void *Argument)
{
    char Puffer[MAXPUF];
    int Socket = (int)(intptr_t)Argument;
    ssize_t Len;

    while ((Len = recv(Socket, Puffer, MAXPUF, 0)) > 0 && send_all(Socket, Puffer, Len) == 0)
        ;
    close(Socket);
    return NULL;
}

__attribute__((unused)) static int listen_on(unsigned short Number)
{
    struct sockaddr_in Adr = {.sin_family = AF_INET, .sin_port = htons(Number)};
    int Socket = socket(AF_INET, SOCK_STREAM, 0), On = 1;

    setsockopt(Socket, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On));
    if (bind(Socket, (struct sockaddr *)&Adr, sizeof(Adr)) < 0 || listen(Socket, 64) < 0) {
        perror("museum");
        exit(1);
    }
    return Socket;
}

/* Serve each client in a thread of its own. */
__attribute__((unused)) static void welcome(int Socket, void *(*Serve)(void *))
{
    for (;;) {
        pthread_t Thread;
        int Client = accept(Socket, NULL, NULL);

        if (Client < 0)
            exit(1);
        pthread_create(&Thread, NULL, Serve, (void *)(intptr_t)Client);
        pthread_detach(Thread);
    }
}

static void read_arguments(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s broken|fixed PORT\n", argv[0]);
        exit(2);
    }
    Fixed = strcmp(argv[1], "fixed") == 0;
    Port = (unsigned short)atoi(argv[2]);
}
