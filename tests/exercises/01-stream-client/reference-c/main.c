/* main HOST PORT: send the sentence in 1023 bytes, print what comes back. */
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
    char Puffer[MAXPUF] = "Wir erschrecken zu guten Zwecken!";
    struct sockaddr_in AdrSock;
    struct hostent *RechnerID;
    int MySocket, Got = 0;

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
        perror("main: connect");
        return 1;
    }
    for (int Sent = 0; Sent < MAXPUF;) {
        ssize_t Len = send(MySocket, Puffer + Sent, MAXPUF - Sent, 0);
        if (Len < 0) {
            perror("main: send");
            return 1;
        }
        Sent += Len;
    }
    while (Got < MAXPUF) {
        ssize_t Len = recv(MySocket, Puffer + Got, MAXPUF - Got, 0);
        if (Len <= 0) {
            fprintf(stderr, "main: the connection ended after %d bytes\n", Got);
            return 1;
        }
        Got += Len;
    }
    printf("%.*s\n", MAXPUF, Puffer);
    close(MySocket);
    return 0;
}
