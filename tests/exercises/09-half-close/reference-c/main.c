/* main HOST PORT: send standard input, print the answer. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPUF 1023

int main(int argc, char **argv)
{
    char Puffer[MAXPUF];
    struct sockaddr_in AdrSock;
    struct hostent *RechnerID;
    int MySocket;
    ssize_t Len;

    if (argc != 3)
        return 2;
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
    RechnerID = gethostbyname(argv[1]);
    if (MySocket == -1 || RechnerID == NULL) {
        fprintf(stderr, "main: no socket or no such host\n");
        return 1;
    }
    memset(&AdrSock, 0, sizeof(AdrSock));
    AdrSock.sin_family = AF_INET;
    memcpy(&AdrSock.sin_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr));
    AdrSock.sin_port = htons((unsigned short)atoi(argv[2]));
    if (connect(MySocket, (struct sockaddr *)&AdrSock, sizeof(AdrSock)) < 0) {
        perror("main");
        return 1;
    }
    while ((Len = read(STDIN_FILENO, Puffer, MAXPUF)) > 0) {
        for (ssize_t Sent = 0; Sent < Len;) {
            ssize_t More = send(MySocket, Puffer + Sent, Len - Sent, MSG_NOSIGNAL);
            if (More < 0) {
                perror("main");
                return 1;
            }
            Sent += More;
        }
    }
    shutdown(MySocket, SHUT_WR);
    while ((Len = recv(MySocket, Puffer, MAXPUF, 0)) > 0)
        fwrite(Puffer, 1, Len, stdout);
    if (Len < 0) {
        perror("main");
        return 1;
    }
    close(MySocket);
    return 0;
}
