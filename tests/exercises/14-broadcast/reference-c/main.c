/* main NAME PORT PEER PEER PEER: a node that tells every word to all others, and no more.
 *
 * A node that learns a word from a client tells it to each peer, and keeps in mind who has not
 * said that it knows it. Those are told again from time to time: all that they lack in one
 * datagram.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WORDS 64
#define PEERS 8
#define AGAIN 300 /* milliseconds after which a peer that has not answered is told again */

struct word {
    char Text[32];
    int LackedBy[PEERS];
};

struct peer {
    struct sockaddr_in Adr;
    long Told;
};

static struct word Words[WORDS];
static struct peer Peers[PEERS];
static int Known, PeerCount, Node;

static long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000L + Now.tv_nsec / 1000000L;
}

static struct word *find(const char *Text)
{
    for (int i = 0; i < Known; i++)
        if (strcmp(Words[i].Text, Text) == 0)
            return &Words[i];
    return NULL;
}

static struct word *learn(const char *Text)
{
    struct word *Word = &Words[Known];

    if (Known == WORDS)
        return NULL;
    Known++;
    snprintf(Word->Text, sizeof(Word->Text), "%s", Text);
    return Word;
}

static int lacking(int Peer)
{
    int Count = 0;

    for (int i = 0; i < Known; i++)
        Count += Words[i].LackedBy[Peer];
    return Count;
}

/* Tell a peer one word, or all that it lacks. */
static void tell(int Peer, const struct word *Only)
{
    char Message[1001] = "@news";

    for (int i = 0; i < Known; i++)
        if (Only == &Words[i] || (Only == NULL && Words[i].LackedBy[Peer]))
            if (strlen(Message) + strlen(Words[i].Text) + 1 < sizeof(Message))
                strcat(strcat(Message, " "), Words[i].Text);
    Peers[Peer].Told = milliseconds();
    sendto(Node, Message, strlen(Message), 0, (struct sockaddr *)&Peers[Peer].Adr,
           sizeof(Peers[Peer].Adr));
}

/* Take in what a node tells; the answer repeats it. */
static void take_in(char *News, char *Answer)
{
    strcpy(Answer, "@known");
    for (char *Text = strtok(News, " "); Text != NULL; Text = strtok(NULL, " ")) {
        if (find(Text) == NULL)
            learn(Text);
        strcat(strcat(Answer, " "), Text);
    }
}

static void forget(const struct sockaddr_in *Sender, char *Texts)
{
    for (char *Text = strtok(Texts, " "); Text != NULL; Text = strtok(NULL, " ")) {
        struct word *Word = find(Text);

        for (int i = 0; Word != NULL && i < PeerCount; i++)
            if (Peers[i].Adr.sin_addr.s_addr == Sender->sin_addr.s_addr)
                Word->LackedBy[i] = 0;
    }
}

static void answer(const char *Request, char *Answer)
{
    char Id[32], Verb[8], Text[32];

    Answer[0] = 0;
    if (sscanf(Request, "%31s %7s %31s", Id, Verb, Text) == 3) {
        struct word *Word = find(Text) == NULL ? learn(Text) : NULL;

        for (int i = 0; Word != NULL && i < PeerCount; i++) {
            Word->LackedBy[i] = 1;
            tell(i, Word);
        }
        sprintf(Answer, "%s ok", Id);
    } else if (sscanf(Request, "%31s", Id) == 1) {
        strcpy(Answer, Id);
        for (int i = 0; i < Known; i++)
            strcat(strcat(Answer, " "), Words[i].Text);
    }
}

static void receive(void)
{
    static char Request[1501], Answer[4096];
    struct sockaddr_in Sender;
    socklen_t Size = sizeof(Sender);
    ssize_t Len = recvfrom(Node, Request, sizeof(Request) - 1, 0, (struct sockaddr *)&Sender, &Size);

    if (Len < 0)
        return;
    Request[Len] = 0;
    Answer[0] = 0;
    if (strncmp(Request, "@news", 5) == 0)
        take_in(Request + 5, Answer);
    else if (strncmp(Request, "@known", 6) == 0)
        forget(&Sender, Request + 6);
    else
        answer(Request, Answer);
    if (Answer[0] != 0)
        sendto(Node, Answer, strlen(Answer), 0, (struct sockaddr *)&Sender, Size);
}

/* Milliseconds until a peer must be told again; -1 if none must. */
static int left(void)
{
    long Least = -1;

    for (int i = 0; i < PeerCount; i++)
        if (lacking(i)) {
            long Left = Peers[i].Told + AGAIN - milliseconds();

            if (Least < 0 || Left < Least)
                Least = Left > 0 ? Left : 0;
        }
    return (int)Least;
}

static void add_peer(const char *Name, in_port_t Port)
{
    struct hostent *Host = gethostbyname(Name);
    struct sockaddr_in *Adr = &Peers[PeerCount++].Adr;

    if (Host == NULL)
        exit(1);
    Adr->sin_family = AF_INET;
    Adr->sin_port = Port;
    memcpy(&Adr->sin_addr, Host->h_addr_list[0], sizeof(Adr->sin_addr));
}

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr;

    if (argc < 3)
        return 2;
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    for (int i = 3; i < argc && i < 3 + PEERS; i++)
        add_peer(argv[i], MyAdr.sin_port);
    Node = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Node, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    for (;;) {
        struct pollfd Socket = {.fd = Node, .events = POLLIN};

        for (int i = 0; i < PeerCount; i++)
            if (lacking(i) && milliseconds() >= Peers[i].Told + AGAIN)
                tell(i, NULL);
        if (poll(&Socket, 1, left()) > 0)
            receive();
    }
}
