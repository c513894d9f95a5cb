/* main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes. */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MAXPUF 1023
#define SENTENCE "Wir erschrecken zu guten Zwecken!"
#define TIMEOUT 500
#define TRIES 4

static long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000L + Now.tv_nsec / 1000000L;
}

static int answered(int MySocket, const struct sockaddr_in *Server, const char *Request, int Len)
{
    long Deadline = milliseconds() + TIMEOUT;

    for (;;) {
        char Reply[MAXPUF];
        struct sockaddr_in Sender;
        socklen_t SenderLen = sizeof(Sender);
        struct pollfd Ready = {.fd = MySocket, .events = POLLIN};
        long Left = Deadline - milliseconds();

        if (Left <= 0 || poll(&Ready, 1, (int)Left) == 0)
            return 0;
        ssize_t Got = recvfrom(MySocket, Reply, sizeof(Reply), 0,
                               (struct sockaddr *)&Sender, &SenderLen);
        if (Got == Len && memcmp(Reply, Request, Len) == 0
            && Sender.sin_addr.s_addr == Server->sin_addr.s_addr
            && Sender.sin_port == Server->sin_port)
            return 1;
    }
}

static int ask(int MySocket, const struct sockaddr_in *Server, int Number)
{
    char Request[MAXPUF];
    int Len = snprintf(Request, sizeof(Request), "%d %s", Number, SENTENCE);

    for (int Try = 0; Try < TRIES; Try++) {
        sendto(MySocket, Request, Len, 0, (const struct sockaddr *)Server, sizeof(*Server));
        if (answered(MySocket, Server, Request, Len))
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in Server;
    struct hostent *RechnerID;
    int MySocket;

    if (argc != 4)
        return 2;
    MySocket = socket(AF_INET, SOCK_DGRAM, 0);
    RechnerID = gethostbyname(argv[1]);
    if (MySocket == -1 || RechnerID == NULL) {
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
