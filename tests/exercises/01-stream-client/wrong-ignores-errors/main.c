/* main HOST PORT: send the sentence in 1023 bytes, print what comes back. */
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
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
    int MySocket;

    if (argc != 3)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
    RechnerID = gethostbyname(argv[1]);
    memset(&AdrSock, 0, sizeof(AdrSock));
    AdrSock.sin_family = AF_INET;
    memcpy(&AdrSock.sin_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr));
    AdrSock.sin_port = htons((unsigned short)atoi(argv[2]));
    connect(MySocket, (struct sockaddr *)&AdrSock, sizeof(AdrSock));
    send(MySocket, Puffer, MAXPUF, 0);
    recv(MySocket, Puffer, MAXPUF, MSG_WAITALL);
    printf("%.*s\n", MAXPUF, Puffer);
    close(MySocket);
    return 0;
}
