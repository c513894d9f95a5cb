/* main NAME PORT PEER PEER: a node that elects a leader with its peers, one in each term.
 *
 * Whoever hears nothing of a leader for a while stands in a new term. Each node has one vote in
 * each term, and keeps it in a file before it tells anybody; so only one can have a majority.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PEERS 2
#define NOBODY "none"

enum { BEAT = 100, SHORTEST = 300, LONGEST = 700, SILENT = 800 }; /* milliseconds */

static int Node;
static const char *Name;
static char **Peers;
static struct sockaddr_in Where[PEERS];

static long long Term;
static char Vote[32] = NOBODY, Leader[32] = NOBODY;
static long long Heard; /* when a peer last told that it follows */
static long long Due;

static long long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000LL + Now.tv_nsec / 1000000L;
}

static void load(void)
{
    FILE *File = fopen("kept", "r");

    if (File == NULL)
        return;
    if (fscanf(File, "%lld %31s", &Term, Vote) != 2)
        exit(1);
    fclose(File);
}

static void keep(long long NewTerm, const char *NewVote)
{
    FILE *File = fopen("kept.new", "w");

    Term = NewTerm;
    snprintf(Vote, sizeof(Vote), "%s", NewVote);
    if (File == NULL || fprintf(File, "%lld %s", Term, Vote) < 0 || fflush(File) != 0
        || fsync(fileno(File)) < 0)
        exit(1);
    fclose(File);
    if (rename("kept.new", "kept") < 0)
        exit(1);
}

static void wait_anew(void)
{
    Due = milliseconds() + SHORTEST + rand() % (LONGEST - SHORTEST);
}

static void tell(const char *Verb, int Peer)
{
    char Text[128];
    int Len = snprintf(Text, sizeof(Text), "@%s %s %lld", Verb, Name, Term);

    sendto(Node, Text, Len, 0, (struct sockaddr *)&Where[Peer], sizeof(Where[Peer]));
}

static void tell_all(const char *Verb)
{
    int Peer;

    for (Peer = 0; Peer < PEERS; Peer++)
        tell(Verb, Peer);
}

static void act(void)
{
    if (strcmp(Leader, Name) == 0 && Heard > milliseconds() - SILENT) {
        tell_all("beat");
        Due = milliseconds() + BEAT;
        return;
    }
    if (strcmp(Leader, Name) != 0) {
        keep(Term + 1, Name);
        tell_all("stand");
    }
    strcpy(Leader, NOBODY);
    wait_anew();
}

static void take(const char *Verb, int Peer, long long Given)
{
    const char *Sender = Peers[Peer];

    if (Given > Term) {
        strcpy(Leader, NOBODY);
        keep(Given, NOBODY);
    }
    if (Given < Term) {
        if (strcmp(Verb, "stand") == 0 || strcmp(Verb, "beat") == 0)
            tell("late", Peer);
    } else if (strcmp(Verb, "stand") == 0) {
        if (strcmp(Vote, NOBODY) == 0)
            keep(Term, Sender);
        if (strcmp(Vote, Sender) == 0) {
            wait_anew();
            tell("vote", Peer);
        }
    } else if (strcmp(Verb, "vote") == 0) { /* this and its own are a majority */
        if (strcmp(Vote, Name) == 0 && strcmp(Leader, Name) != 0) {
            snprintf(Leader, sizeof(Leader), "%s", Name);
            Heard = milliseconds();
            Due = 0;
        }
    } else if (strcmp(Verb, "beat") == 0) {
        snprintf(Leader, sizeof(Leader), "%s", Sender);
        wait_anew();
        tell("follow", Peer);
    } else if (strcmp(Verb, "follow") == 0) {
        Heard = milliseconds();
    }
}

static void find_peers(const char *Port)
{
    struct addrinfo Hints, *Found;
    int Peer;

    memset(&Hints, 0, sizeof(Hints));
    Hints.ai_family = AF_INET;
    Hints.ai_socktype = SOCK_DGRAM;
    for (Peer = 0; Peer < PEERS; Peer++) {
        if (getaddrinfo(Peers[Peer], Port, &Hints, &Found) != 0)
            exit(1);
        memcpy(&Where[Peer], Found->ai_addr, sizeof(Where[Peer]));
        freeaddrinfo(Found);
    }
}

static void receive(void)
{
    struct sockaddr_in Sender;
    socklen_t Size = sizeof(Sender);
    char Request[1001], Answer[128], First[32], Who[32];
    long long Given;
    ssize_t Len = recvfrom(Node, Request, sizeof(Request) - 1, 0, (struct sockaddr *)&Sender,
                           &Size);
    int Peer;

    if (Len <= 0)
        return;
    Request[Len] = 0;
    if (sscanf(Request, "%31s %31s %lld", First, Who, &Given) == 3 && First[0] == '@') {
        for (Peer = 0; Peer < PEERS; Peer++)
            if (strcmp(Who, Peers[Peer]) == 0)
                take(First + 1, Peer, Given);
        return;
    }
    Len = snprintf(Answer, sizeof(Answer), "%s %s %lld\n", First, Leader, Term);
    sendto(Node, Answer, Len, 0, (struct sockaddr *)&Sender, Size);
}

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr;
    struct timeval Left;
    struct timespec Now;

    if (argc != 3 + PEERS)
        return 2;
    Name = argv[1];
    Peers = argv + 3;
    clock_gettime(CLOCK_REALTIME, &Now);
    srand((unsigned)(Now.tv_nsec ^ getpid() ^ Name[0] * 7919));
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    Node = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Node, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    find_peers(argv[2]);
    load();
    wait_anew();
    for (;;) {
        long long Wait = Due - milliseconds();

        if (Wait <= 0) {
            act();
            continue;
        }
        Left.tv_sec = Wait / 1000;
        Left.tv_usec = Wait % 1000 * 1000;
        setsockopt(Node, SOL_SOCKET, SO_RCVTIMEO, &Left, sizeof(Left));
        receive();
    }
}
