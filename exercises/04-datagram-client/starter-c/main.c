/* main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAXPUF 1023
#define SENTENCE "Wir erschrecken zu guten Zwecken!"

static int ask(int MySocket, const struct sockaddr_in *Server, int Number)
{
    char Puffer[MAXPUF];
    int Len = snprintf(Puffer, sizeof(Puffer), "%d %s", Number, SENTENCE);

    sendto(MySocket, Puffer, Len, 0, (const struct sockaddr *)Server, sizeof(*Server));
    /* wait half a second for the same datagram from the server, ask up to four times */
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in Server;
    struct hostent *RechnerID;
    int MySocket;

    if (argc != 4) {
        fprintf(stderr, "usage: main HOST PORT COUNT\n");
        return 2;
    }
    MySocket = socket(AF_INET, SOCK_DGRAM, 0);
    RechnerID = gethostbyname(argv[1]);
    if (MySocket < 0 || RechnerID == NULL) {
        fprintf(stderr, "main: no socket or no such host\n");
        return 1;
    }
    memset(&Server, 0, sizeof(Server));
    Server.sin_family = AF_INET;
    memcpy(&Server.sin_addr, RechnerID->h_addr_list[0], sizeof(Server.sin_addr));
    Server.sin_port = htons((unsigned short)atoi(argv[2]));
    for (int Number = 1; Number <= atoi(argv[3]); Number++)
        printf("%d %s\n", Number, ask(MySocket, &Server, Number) ? "answered" : "lost");
    return 0;
}
