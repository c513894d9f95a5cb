/* main receive PORT | main send HOST PORT: a transfer over datagrams, stop and wait.
 *
 * A block is its number (4 bytes), 1 for the end or 0 (1 byte), and its data; an
 * acknowledgement is the number.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BLOCK 1000
#define HEADER 5
#define TIMEOUT 200
#define TRIES 50
#define LINGER 2000

static int failed(const char *What)
{
    fprintf(stderr, "main: %s\n", What);
    return 1;
}

static long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000L + Now.tv_nsec / 1000000L;
}

static int acknowledged(int MySocket, uint32_t Number)
{
    long Deadline = milliseconds() + TIMEOUT;

    for (;;) {
        struct pollfd Ready = {.fd = MySocket, .events = POLLIN};
        uint32_t Reply;
        long Left = Deadline - milliseconds();

        if (Left <= 0 || poll(&Ready, 1, (int)Left) == 0)
            return 0;
        if (recv(MySocket, &Reply, sizeof(Reply), 0) == sizeof(Reply) && ntohl(Reply) == Number)
            return 1;
    }
}

static int send_block(int MySocket, const char *Block, size_t Len, uint32_t Number)
{
    for (int Try = 0; Try < TRIES; Try++) {
        send(MySocket, Block, HEADER + Len, 0);
        if (acknowledged(MySocket, Number))
            return 0;
    }
    return failed("no acknowledgement");
}

static int send_input(const char *Host, unsigned short Port)
{
    char Block[HEADER + BLOCK];
    struct sockaddr_in Server;
    struct hostent *RechnerID = gethostbyname(Host);
    int MySocket = socket(AF_INET, SOCK_DGRAM, 0);

    if (MySocket == -1 || RechnerID == NULL)
        return failed("no socket or no such host");
    memset(&Server, 0, sizeof(Server));
    Server.sin_family = AF_INET;
    memcpy(&Server.sin_addr, RechnerID->h_addr_list[0], sizeof(Server.sin_addr));
    Server.sin_port = htons(Port);
    connect(MySocket, (struct sockaddr *)&Server, sizeof(Server));
    for (uint32_t Number = 0;; Number++) {
        uint32_t Order = htonl(Number);
        size_t Len = fread(Block + HEADER, 1, BLOCK, stdin);

        memcpy(Block, &Order, 4);
        Block[4] = Len == 0;
        if (send_block(MySocket, Block, Len, Number) != 0)
            return 1;
        if (Len == 0)
            return 0;
    }
}

static int receive(unsigned short Port)
{
    char Block[HEADER + BLOCK];
    struct sockaddr_in MyAdr, Sender;
    uint32_t Expected = 0;
    int MySocket = socket(AF_INET, SOCK_DGRAM, 0), Wait = -1;

    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_addr.s_addr = INADDR_ANY;
    MyAdr.sin_port = htons(Port);
    if (bind(MySocket, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return failed("the port is in use");
    for (;;) {
        struct pollfd Ready = {.fd = MySocket, .events = POLLIN};
        socklen_t SenderLen = sizeof(Sender);
        uint32_t Order, Number;

        if (poll(&Ready, 1, Wait) == 0)
            return 0;
        ssize_t Len = recvfrom(MySocket, Block, sizeof(Block), 0,
                               (struct sockaddr *)&Sender, &SenderLen);
        memcpy(&Order, Block, 4);
        Number = ntohl(Order);
        if (Number == Expected) {
            fwrite(Block + HEADER, 1, Len - HEADER, stdout);
            Expected++;
            if (Block[4])
                Wait = LINGER;
        }
        sendto(MySocket, &Order, 4, 0, (struct sockaddr *)&Sender, SenderLen);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "send") == 0)
        return send_input(argv[2], (unsigned short)atoi(argv[3]));
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        return receive((unsigned short)atoi(argv[2]));
    return 2;
}
