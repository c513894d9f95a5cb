/* main coordinator PORT ONE TWO: books on both.
 * main participant NAME PORT PLACES COORDINATOR PEER: one of both.
 *
 * The coordinator asks both whether they can; who says yes holds a place and may not change its
 * mind. It decides, writes that down, and tells both until they have it. A participant in doubt
 * asks the coordinator and the other one; who is asked before it has voted says no.
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

enum { AGAIN = 100, LONGEST = 500, TRIPS = 300 }; /* milliseconds; trips that fit */
enum { ASKED, READY, BOOKED, REFUSED };

static const char *Fates[] = {"asked", "ready", "booked", "refused"};

typedef struct sockaddr_in Address;

struct trip {
    char Name[32], Id[32]; /* Id: of the client that waits for the answer */
    int Fate, Votes, Known; /* of both participants, as bits */
    int Waiting;
    long long Until;
    Address Client;
};

static struct trip Trips[TRIPS];
static int Count, Here, Places, Coordinates;
static const char *Name, *Port, *Others[2]; /* the coordinator's participants; a participant's */
static Address Reached[2];                  /* coordinator and peer */

static long long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000LL + Now.tv_nsec / 1000000L;
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

static void tell(int Which, const char *Verb, const struct trip *Trip)
{
    char Text[128];
    int Len = snprintf(Text, sizeof(Text), "@%s %s %s", Verb, Trip->Name, Name);

    sendto(Here, Text, Len, 0, (struct sockaddr *)&Reached[Which], sizeof(Reached[Which]));
}

static void answer(const Address *Client, const char *Id, const char *Said)
{
    char Text[8192];
    int Len = snprintf(Text, sizeof(Text), "%s %s\n", Id, Said);

    sendto(Here, Text, Len, 0, (const struct sockaddr *)Client, sizeof(*Client));
}

static struct trip *known(const char *Called)
{
    for (int Which = 0; Which < Count; Which++)
        if (strcmp(Trips[Which].Name, Called) == 0)
            return &Trips[Which];
    return NULL;
}

static struct trip *added(const char *Called, int Fate)
{
    struct trip *Trip = &Trips[Count];

    if (Count == TRIPS)
        exit(1);
    Count++;
    memset(Trip, 0, sizeof(*Trip));
    snprintf(Trip->Name, sizeof(Trip->Name), "%s", Called);
    Trip->Fate = Fate;
    return Trip;
}

static void keep(void)
{
    FILE *File = fopen("kept.new", "w");

    if (File == NULL)
        exit(1);
    for (int Which = 0; Which < Count; Which++)
        fprintf(File, "%s %d\n", Trips[Which].Name, Trips[Which].Fate);
    if (fflush(File) != 0 || fsync(fileno(File)) < 0)
        exit(1);
    fclose(File);
    if (rename("kept.new", "kept") < 0)
        exit(1);
}

static void load(void)
{
    FILE *File = fopen("kept", "r");
    char Called[32];
    int Fate;

    if (File == NULL)
        return;
    while (fscanf(File, "%31s %d", Called, &Fate) == 2)
        added(Called, Fate);
    fclose(File);
}

static int count(int Fate)
{
    int Found = 0;

    for (int Which = 0; Which < Count; Which++)
        Found += Trips[Which].Fate == Fate;
    return Found;
}

static int is_free(void)
{
    return Places - count(BOOKED) - count(READY);
}

/* --- the coordinator */

static void say(struct trip *Trip)
{
    if (Trip->Waiting && Trip->Fate != ASKED)
        answer(&Trip->Client, Trip->Id, Fates[Trip->Fate]);
    Trip->Waiting = Trip->Waiting && Trip->Fate == ASKED;
}

static void decide(struct trip *Trip, int Fate)
{
    if (Trip->Fate != ASKED)
        return;
    Trip->Fate = Fate;
    keep();
    say(Trip);
    tell(0, Fates[Fate], Trip);
    tell(1, Fates[Fate], Trip);
}

static void book(const char *Id, const char *Called, const Address *Client)
{
    struct trip *Trip = known(Called);

    if (Trip == NULL) {
        Trip = added(Called, ASKED);
        Trip->Until = milliseconds() + LONGEST;
        keep();
        tell(0, "can", Trip);
        tell(1, "can", Trip);
    }
    snprintf(Trip->Id, sizeof(Trip->Id), "%s", Id);
    Trip->Client = *Client;
    Trip->Waiting = 1;
    say(Trip);
}

static void coordinate(const char *Verb, struct trip *Trip, const char *Sender)
{
    int Which = strcmp(Sender, Others[1]) == 0;

    if (Trip == NULL)
        return;
    if (strcmp(Verb, "no") == 0) {
        decide(Trip, REFUSED);
    } else if (strcmp(Verb, "yes") == 0) {
        Trip->Votes |= 1 << Which;
        if (Trip->Votes == 3)
            decide(Trip, BOOKED);
    } else if (strcmp(Verb, "known") == 0) {
        Trip->Known |= 1 << Which;
    } else if (strcmp(Verb, "what") == 0 && Trip->Fate != ASKED) {
        tell(Which, Fates[Trip->Fate], Trip);
    }
}

/* --- a participant; 0 is the coordinator, 1 the other participant */

static void take(const char *Verb, const char *Called, const char *Sender)
{
    struct trip *Trip = known(Called);
    int Which = strcmp(Sender, Others[1]) == 0;

    if (strcmp(Verb, "can") == 0) {
        if (Trip == NULL) {
            Trip = added(Called, is_free() > 0 ? READY : REFUSED);
            keep();
        }
        tell(0, Trip->Fate == REFUSED ? "no" : "yes", Trip);
    } else if (strcmp(Verb, "what") == 0) {
        if (Trip == NULL) {
            Trip = added(Called, REFUSED); /* it has not voted, and will vote no */
            keep();
        }
        if (Trip->Fate != READY)
            tell(Which, Fates[Trip->Fate], Trip);
    } else if (strcmp(Verb, "booked") == 0 || strcmp(Verb, "refused") == 0) {
        int Fate = strcmp(Verb, "booked") == 0 ? BOOKED : REFUSED;

        if (Trip == NULL)
            Trip = added(Called, READY);
        if (Trip->Fate == READY) {
            Trip->Fate = Fate;
            keep();
        }
        tell(0, "known", Trip);
    }
}

static void show(const char *Id, const char *Verb, const Address *Client)
{
    char Text[8000] = "";
    size_t Length = 0;

    if (strcmp(Verb, "free") == 0)
        snprintf(Text, sizeof(Text), "%d", is_free());
    else
        for (int Which = 0; Which < Count; Which++)
            if (Trips[Which].Fate == BOOKED && Length + 40 < sizeof(Text))
                Length += snprintf(Text + Length, sizeof(Text) - Length, "%s%s",
                                   Length ? " " : "", Trips[Which].Name);
    answer(Client, Id, Text);
}

/* --- both */

static int busy(void)
{
    if (!Coordinates)
        return count(READY) > 0;
    for (int Which = 0; Which < Count; Which++)
        if (Trips[Which].Known != 3)
            return 1;
    return 0;
}

static void tick(void)
{
    for (int Which = 0; Which < Count; Which++) {
        struct trip *Trip = &Trips[Which];

        if (!Coordinates) {
            if (Trip->Fate == READY) {
                tell(0, "what", Trip);
                tell(1, "what", Trip);
            }
            continue;
        }
        /* nothing was decided before this start where Until is 0; so it may be refused */
        if (Trip->Fate == ASKED && milliseconds() >= Trip->Until)
            decide(Trip, REFUSED);
        for (int One = 0; One < 2; One++)
            if (!(Trip->Known & 1 << One))
                tell(One, Trip->Fate == ASKED ? "can" : Fates[Trip->Fate], Trip);
    }
}

static void receive(void)
{
    char Text[1001], First[32], Verb[32], Third[32] = "";
    Address Sender;
    socklen_t Size = sizeof(Sender);
    ssize_t Len = recvfrom(Here, Text, sizeof(Text) - 1, 0, (struct sockaddr *)&Sender, &Size);

    if (Len <= 0)
        return;
    Text[Len] = 0;
    if (sscanf(Text, "%31s %31s %31s", First, Verb, Third) < 2)
        return;
    if (First[0] != '@' && Coordinates)
        book(First, Third, &Sender);
    else if (First[0] != '@')
        show(First, Verb, &Sender);
    else if (Coordinates)
        coordinate(First + 1, known(Verb), Third);
    else
        take(First + 1, Verb, Third);
}

int main(int argc, char **argv)
{
    Address MyAdr;
    struct timeval Left;
    long long Due = 0;

    if (argc < 5)
        return 2;
    Coordinates = strcmp(argv[1], "coordinator") == 0;
    Name = Coordinates ? argv[1] : argv[2];
    Port = argv[Coordinates ? 2 : 3];
    Places = Coordinates ? 0 : atoi(argv[4]);
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(Port));
    Here = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Here, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    for (int Which = 0; Which < 2; Which++) {
        Others[Which] = argv[(Coordinates ? 3 : 5) + Which];
        Reached[Which] = find(Others[Which]);
    }
    load();
    for (;;) {
        long long Wait = Due - milliseconds();

        if (busy() && Wait <= 0) {
            tick();
            Due = milliseconds() + AGAIN;
            Wait = AGAIN;
        }
        Wait = busy() ? (Wait < 1 ? 1 : Wait) : 0; /* 0: for ever */
        Left.tv_sec = Wait / 1000;
        Left.tv_usec = Wait % 1000 * 1000;
        setsockopt(Here, SOL_SOCKET, SO_RCVTIMEO, &Left, sizeof(Left));
        receive();
    }
}
