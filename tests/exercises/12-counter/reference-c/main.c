/* main NAME PORT PEER PEER: one node of a counter that three keep together.
 *
 * Every node knows what each node has added, and tells its peers all of it, again and again.
 * What it hears it takes in by the larger number, so that news may come late, twice or never.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 32
#define NODES 8
#define PERIOD 200

struct node {
    char Name[64];
    long Added;
};

struct client {
    char Line[128];
    size_t Len;
};

static struct node Nodes[NODES]; /* the first one is this node */
static int Known = 1;
static struct client Clients[MOST];

static long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000L + Now.tv_nsec / 1000000L;
}

static void take_in(const char *Name, long Added)
{
    for (int i = 0; i != Known; i++)
        if (strcmp(Nodes[i].Name, Name) == 0) {
            if (Added > Nodes[i].Added)
                Nodes[i].Added = Added;
            return;
        }
    if (Known != NODES) {
        snprintf(Nodes[Known].Name, sizeof(Nodes[Known].Name), "%s", Name);
        Nodes[Known++].Added = Added;
    }
}

static void hear(int News)
{
    char Message[1024] = "", Name[64];
    long Added;

    recv(News, Message, sizeof(Message) - 1, 0); /* an error leaves it empty */
    for (char *Line = strtok(Message, "\n"); Line != NULL; Line = strtok(NULL, "\n"))
        if (sscanf(Line, "%63s %ld", Name, &Added) == 2)
            take_in(Name, Added);
}

static void tell(int News, char **Peers, int Count, unsigned short Port)
{
    char Message[1024];
    size_t Len = 0;

    for (int i = 0; i != Known; i++)
        Len += snprintf(Message + Len, sizeof(Message) - Len, "%s %ld\n",
                        Nodes[i].Name, Nodes[i].Added);
    for (int i = 0; i < Count; i++) {
        struct sockaddr_in Peer;
        struct hostent *Host = gethostbyname(Peers[i]);

        if (Host == NULL)
            continue;
        memset(&Peer, 0, sizeof(Peer));
        Peer.sin_family = AF_INET;
        Peer.sin_port = htons(Port);
        memcpy(&Peer.sin_addr, Host->h_addr_list[0], sizeof(Peer.sin_addr));
        sendto(News, Message, Len, 0, (struct sockaddr *)&Peer, sizeof(Peer));
    }
}

static void answer(int Socket, const char *Line)
{
    char Reply[64];
    long Sum = 0;

    if (strncmp(Line, "add ", 4) == 0) {
        Nodes[0].Added += atol(Line + 4);
        send(Socket, "ok\n", 3, MSG_NOSIGNAL);
        return;
    }
    for (int i = 0; i != Known; i++)
        Sum += Nodes[i].Added;
    send(Socket, Reply, snprintf(Reply, sizeof(Reply), "%ld\n", Sum), MSG_NOSIGNAL);
}

static int serve(int Socket, struct client *Client)
{
    char *End;
    ssize_t Len = recv(Socket, Client->Line + Client->Len,
                       sizeof(Client->Line) - 1 - Client->Len, 0);

    if (Len <= 0)
        return 0;
    Client->Len += Len;
    Client->Line[Client->Len] = 0;
    while ((End = strchr(Client->Line, '\n')) != NULL) {
        *End = 0;
        answer(Socket, Client->Line);
        Client->Len -= End + 1 - Client->Line;
        memmove(Client->Line, End + 1, Client->Len + 1);
    }
    return 1;
}

static int bound(int Kind, unsigned short Port)
{
    struct sockaddr_in MyAdr;
    int MySocket = socket(AF_INET, Kind, 0), On = 1;

    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons(Port);
    setsockopt(MySocket, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On));
    if (bind(MySocket, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0) {
        perror("main");
        exit(1);
    }
    return MySocket;
}

int main(int argc, char **argv)
{
    struct pollfd Sockets[MOST];
    int Count = 2;
    long Next = milliseconds();

    if (argc < 3)
        return 2;
    unsigned short Port = (unsigned short)atoi(argv[2]);
    snprintf(Nodes[0].Name, sizeof(Nodes[0].Name), "%s", argv[1]);
    Sockets[0].fd = bound(SOCK_STREAM, Port);
    Sockets[1].fd = bound(SOCK_DGRAM, Port);
    Sockets[0].events = Sockets[1].events = POLLIN;
    listen(Sockets[0].fd, 16);
    for (;;) {
        long Left = Next - milliseconds();

        if (Left <= 0) {
            tell(Sockets[1].fd, argv + 3, argc - 3, Port);
            Next += PERIOD;
            continue;
        }
        poll(Sockets, Count, (int)Left);
        for (int i = Count - 1; i > 1; i--)
            if (Sockets[i].revents != 0 && !serve(Sockets[i].fd, &Clients[i])) {
                close(Sockets[i].fd);
                Sockets[i] = Sockets[--Count];
                Clients[i] = Clients[Count];
            }
        if (Sockets[1].revents != 0)
            hear(Sockets[1].fd);
        if (Sockets[0].revents != 0 && Count != MOST) {
            Sockets[Count].fd = accept(Sockets[0].fd, NULL, NULL);
            Sockets[Count].events = POLLIN;
            Clients[Count].Len = 0;
            Sockets[Count++].revents = 0;
        }
    }
}
