/* main NAME PORT PEER PEER: one of three nodes that keep the same log, and a store on top of it.
 *
 * The nodes elect a leader; a node votes only for one whose log has all that its own has. The leader
 * writes what clients ask for into its log, reads too, and gives its log to the others. What two of
 * three have is agreed on, if it is of the leader's own term; then it is done, and answered.
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

enum { BEAT = 100, SHORTEST = 300, LONGEST = 700, PEERS = 2, KEYS = 10, IDS = 400 };
enum { ENTRIES = 20000, MOST = 50, LENGTH = 96, VALUE = 1024, LARGEST = MOST * LENGTH + 256 };

typedef struct sockaddr_in Address;

typedef struct {
    long long Term;
    char Request[LENGTH];
    int Waits; /* whether a client waits for it here */
    Address Client;
} Entry;

static int Here;
static const char *Name, *Port;
static const char *Peers[PEERS];
static Address Reached[PEERS];

/* What the file keeps. The first entry has number 1. */
static long long Term;
static char Vote[32] = "-";
static Entry Log[ENTRIES + 1];
static int Count;

static int Leads;
static int Following[PEERS]; /* the entry that a peer is sent next */
static int Has[PEERS]; /* so many of its entries are as here */
static int Agreed, Applied;
static long long Due;

static char Keys[KEYS][32], Values[KEYS][VALUE], Done[IDS][32];
static int KeyCount, DoneCount;

static long long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000LL + Now.tv_nsec / 1000000L;
}

static void wait_anew(void)
{
    Due = milliseconds() + SHORTEST + random() % (LONGEST - SHORTEST);
}

static Address find(const char *Host)
{
    struct addrinfo Hints, *Found;
    Address Where;

    memset(&Hints, 0, sizeof(Hints));
    Hints.ai_family = AF_INET;
    Hints.ai_socktype = SOCK_DGRAM;
    if (getaddrinfo(Host, Port, &Hints, &Found) != 0)
        exit(1);
    memcpy(&Where, Found->ai_addr, sizeof(Where));
    freeaddrinfo(Found);
    return Where;
}

static void send_to(const Address *Where, const char *Text)
{
    sendto(Here, Text, strlen(Text), 0, (const struct sockaddr *)Where, sizeof(*Where));
}

static void answer(const Address *Client, const char *Request, const char *Said)
{
    char Text[VALUE + 64], Id[32];

    sscanf(Request, "%31s", Id);
    snprintf(Text, sizeof(Text), "%s %s\n", Id, Said);
    send_to(Client, Text);
}

/* --- the file */

static void keep(void)
{
    FILE *File = fopen("kept.new", "w");
    int Number;

    if (File == NULL)
        exit(1);
    fprintf(File, "%lld %s\n", Term, Vote);
    for (Number = 1; Number <= Count; Number++)
        fprintf(File, "%lld %s\n", Log[Number].Term, Log[Number].Request);
    if (fflush(File) != 0 || fsync(fileno(File)) < 0)
        exit(1);
    fclose(File);
    if (rename("kept.new", "kept") < 0)
        exit(1);
}

static void load(void)
{
    FILE *File = fopen("kept", "r");
    Entry *One;

    if (File == NULL)
        return;
    if (fscanf(File, "%lld %31s\n", &Term, Vote) != 2)
        exit(1);
    for (One = Log + 1; fscanf(File, "%lld %95[^\n]\n", &One->Term, One->Request) == 2; One++)
        Count++;
    fclose(File);
}

/* --- the store */

static char *value_of(const char *Key)
{
    int Which;

    for (Which = 0; Which < KeyCount; Which++)
        if (strcmp(Keys[Which], Key) == 0)
            return Values[Which];
    if (KeyCount == KEYS)
        exit(1);
    strcpy(Keys[KeyCount], Key);
    return Values[KeyCount++];
}

static int was_done(const char *Id)
{
    int Which;

    for (Which = 0; Which < DoneCount; Which++)
        if (strcmp(Done[Which], Id) == 0)
            return 1;
    return 0;
}

static void apply(void)
{
    while (Applied < Agreed) {
        Entry *One = &Log[++Applied];
        char Id[32], Verb[16], Key[32], Word[32] = "", *Value;
        const char *Said = "ok";

        if (sscanf(One->Request, "%31s %15s %31s %31s", Id, Verb, Key, Word) < 3)
            continue;
        Value = value_of(Key);
        if (strcmp(Verb, "get") == 0) {
            Said = *Value ? Value : "empty";
        } else if (!was_done(Id) && DoneCount < IDS) {
            size_t Length = strcmp(Verb, "append") == 0 ? strlen(Value) : 0;

            snprintf(Value + Length, VALUE - Length, "%s", Word);
            strcpy(Done[DoneCount++], Id);
        }
        if (One->Waits)
            answer(&One->Client, One->Request, Said);
        One->Waits = 0;
    }
}

/* --- the log */

static void replicate(int Peer)
{
    char Text[LARGEST];
    int Number = Following[Peer] - 1, Sent, Length;

    Length = snprintf(Text, sizeof(Text), "@entries %s %lld %d %lld %d", Name, Term, Number,
                      Log[Number].Term, Agreed);
    for (Sent = 1; Sent <= MOST && Number + Sent <= Count; Sent++)
        Length += snprintf(Text + Length, sizeof(Text) - Length, "\n%lld %s",
                           Log[Number + Sent].Term, Log[Number + Sent].Request);
    send_to(&Reached[Peer], Text);
}

static void tell(int Peer, const char *Verb, int Number)
{
    char Text[128];

    snprintf(Text, sizeof(Text), "@%s %s %lld %d", Verb, Name, Term, Number);
    send_to(&Reached[Peer], Text);
}

static void take_entries(int Leader, char *Text)
{
    int Number, NowAgreed, Changed = 0;
    long long Before;
    char *Line;

    if (sscanf(Text, "%d %lld %d", &Number, &Before, &NowAgreed) != 3)
        return;
    if (Number > Count || Log[Number].Term != Before) {
        tell(Leader, "gap", Number > Count ? Count + 1 : Number);
        return;
    }
    strtok(Text, "\n");
    while ((Line = strtok(NULL, "\n")) != NULL) {
        Entry One;

        memset(&One, 0, sizeof(One));
        if (sscanf(Line, "%lld %95[^\n]", &One.Term, One.Request) != 2)
            return;
        Number++;
        if (Number <= Count && Log[Number].Term == One.Term)
            continue;
        if (Number > ENTRIES)
            exit(1);
        Log[Number] = One;
        Count = Number;
        Changed = 1;
    }
    if (Changed)
        keep();
    tell(Leader, "taken", Number);
    if (NowAgreed > Number)
        NowAgreed = Number;
    if (NowAgreed > Agreed)
        Agreed = NowAgreed;
    apply();
}

static void take_answer(int Peer, int Number)
{
    int Have;

    if (Number > Has[Peer])
        Has[Peer] = Number;
    if (Number >= Following[Peer])
        Following[Peer] = Number + 1;
    Have = Has[0] > Has[1] ? Has[0] : Has[1]; /* with this node, two of three have so many */
    if (Have > Agreed && Log[Have].Term == Term) {
        Agreed = Have;
        apply();
    }
    if (Following[Peer] <= Count)
        replicate(Peer);
}

/* --- elections */

static void tick(void)
{
    int Peer;

    if (Leads) {
        for (Peer = 0; Peer < PEERS; Peer++)
            replicate(Peer);
        Due = milliseconds() + BEAT;
        return;
    }
    Term++;
    snprintf(Vote, sizeof(Vote), "%s", Name);
    keep();
    for (Peer = 0; Peer < PEERS; Peer++) {
        char Text[128];

        snprintf(Text, sizeof(Text), "@stand %s %lld %lld %d", Name, Term, Log[Count].Term, Count);
        send_to(&Reached[Peer], Text);
    }
    wait_anew();
}

static void vote(int Peer, const char *Text)
{
    long long Newest;
    int Length;

    if (sscanf(Text, "%lld %d", &Newest, &Length) != 2)
        return;
    if (strcmp(Vote, "-") != 0 && strcmp(Vote, Peers[Peer]) != 0)
        return;
    if (Newest < Log[Count].Term || (Newest == Log[Count].Term && Length < Count))
        return;
    snprintf(Vote, sizeof(Vote), "%s", Peers[Peer]);
    keep();
    wait_anew();
    tell(Peer, "vote", 0);
}

static void lead(void)
{
    int Peer;

    Leads = 1;
    for (Peer = 0; Peer < PEERS; Peer++) {
        Following[Peer] = Count + 1;
        Has[Peer] = 0;
    }
    tick();
}

static void take(char *Text)
{
    char Verb[16], Sender[32];
    long long Theirs;
    int Read, Peer;

    if (sscanf(Text, "@%15s %31s %lld %n", Verb, Sender, &Theirs, &Read) != 3)
        return;
    Text += Read;
    Peer = strcmp(Sender, Peers[1]) == 0;
    if (Theirs > Term) {
        Term = Theirs;
        strcpy(Vote, "-");
        Leads = 0;
        keep();
    }
    if (Theirs < Term) {
        if (strcmp(Verb, "stand") == 0 || strcmp(Verb, "entries") == 0)
            tell(Peer, "late", 0);
    } else if (strcmp(Verb, "stand") == 0) {
        vote(Peer, Text);
    } else if (strcmp(Verb, "vote") == 0) {
        if (!Leads)
            lead(); /* with its own vote it has two of three */
    } else if (strcmp(Verb, "entries") == 0) {
        wait_anew();
        take_entries(Peer, Text);
    } else if (strcmp(Verb, "taken") == 0 && Leads) {
        take_answer(Peer, atoi(Text));
    } else if (strcmp(Verb, "gap") == 0 && Leads && atoi(Text) < Following[Peer]) {
        Following[Peer] = atoi(Text);
        replicate(Peer);
    }
}

static void ask(const char *Request, const Address *Client)
{
    int Peer;

    if (!Leads) {
        answer(Client, Request, "elsewhere");
        return;
    }
    if (Count == ENTRIES || strlen(Request) >= LENGTH)
        return;
    Count++;
    Log[Count].Term = Term;
    strcpy(Log[Count].Request, Request);
    Log[Count].Waits = 1;
    Log[Count].Client = *Client;
    keep();
    for (Peer = 0; Peer < PEERS; Peer++)
        replicate(Peer);
}

static void receive(void)
{
    static char Text[LARGEST + 1];
    Address Sender;
    socklen_t Size = sizeof(Sender);
    ssize_t Len = recvfrom(Here, Text, LARGEST, 0, (struct sockaddr *)&Sender, &Size);

    if (Len <= 0)
        return;
    Text[Len] = 0;
    if (Text[0] == '@') {
        take(Text);
    } else {
        Text[strcspn(Text, "\r\n")] = 0;
        ask(Text, &Sender);
    }
}

int main(int argc, char **argv)
{
    Address MyAdr;
    struct timeval Left;
    int Peer;

    if (argc != 5)
        return 2;
    Name = argv[1];
    Port = argv[2];
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(Port));
    Here = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Here, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    for (Peer = 0; Peer < PEERS; Peer++) {
        Peers[Peer] = argv[3 + Peer];
        Reached[Peer] = find(Peers[Peer]);
    }
    load();
    srandom((unsigned)(milliseconds() * 31 + Name[0] * 7919 + Name[1]));
    wait_anew();
    for (;;) {
        long long Wait = Due - milliseconds();

        if (Wait <= 0) {
            tick();
            continue;
        }
        Left.tv_sec = Wait / 1000;
        Left.tv_usec = Wait % 1000 * 1000;
        setsockopt(Here, SOL_SOCKET, SO_RCVTIMEO, &Left, sizeof(Left));
        receive();
    }
}
