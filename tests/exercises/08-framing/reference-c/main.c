/* main PORT: answer each message with its bytes in reverse order. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGEST 1000000

static char Message[LARGEST], Answer[4 + LARGEST];

static int receive(int Socket, char *Puffer, uint32_t Count)
{
    for (uint32_t Got = 0; Got < Count;) {
        ssize_t Len = recv(Socket, Puffer + Got, Count - Got, 0);
        if (Len <= 0)
            return -1;
        Got += Len;
    }
    return 0;
}

static int send_all(int Socket, const char *Puffer, size_t Count)
{
    for (size_t Sent = 0; Sent < Count;) {
        ssize_t Len = send(Socket, Puffer + Sent, Count - Sent, MSG_NOSIGNAL);
        if (Len < 0)
            return -1;
        Sent += Len;
    }
    return 0;
}

static void serve(int ForeignSocket)
{
    uint32_t Length;

    while (receive(ForeignSocket, Answer, 4) == 0) {
        memcpy(&Length, Answer, 4);
        Length = ntohl(Length);
        if (Length > LARGEST || receive(ForeignSocket, Message, Length) < 0)
            return;
        for (uint32_t i = 0; i < Length; i++)
            Answer[4 + i] = Message[Length - 1 - i];
        if (send_all(ForeignSocket, Answer, 4 + (size_t)Length) < 0)
            return;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in AdrMySock;
    int MySocket;

    if (argc != 2)
        return 2;
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
    memset(&AdrMySock, 0, sizeof(AdrMySock));
    AdrMySock.sin_family = AF_INET;
    AdrMySock.sin_addr.s_addr = INADDR_ANY;
    AdrMySock.sin_port = htons((unsigned short)atoi(argv[1]));
    if (bind(MySocket, (struct sockaddr *)&AdrMySock, sizeof(AdrMySock)) < 0
        || listen(MySocket, 5) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        int ForeignSocket = accept(MySocket, NULL, NULL);
        if (ForeignSocket < 0)
            continue;
        serve(ForeignSocket);
        close(ForeignSocket);
    }
}
