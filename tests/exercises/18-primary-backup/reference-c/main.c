/* main view PORT ONE TWO: the view service. main store NAME PORT VIEW PEER: one of two stores.
 *
 * The view service appoints a primary and a backup, in views that it numbers. The primary does one
 * operation after the other, and answers when its backup has done the same, reads too. A new backup
 * is given the whole state first. Both keep their state in a file before they tell anybody.
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

enum { TICK = 100, DEAD = 450, KEYS = 10, APPENDS = 400, LENGTH = 8192, LARGEST = 60000 };

#define NOBODY "-"

typedef struct sockaddr_in Address;

static int Here;
static const char *Name, *Port;

/* The view, of the service and of a store alike. Whole: the backup has the state. */
static long long Number;
static char Primary[32] = NOBODY, Backup[32] = NOBODY;
static int Whole;

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

static void send_to(const Address *Where, const char *Text)
{
    sendto(Here, Text, strlen(Text), 0, (const struct sockaddr *)Where, sizeof(*Where));
}

static void answer(const Address *Client, const char *Id, const char *Said)
{
    char Text[LENGTH + 64];

    snprintf(Text, sizeof(Text), "%s %s\n", Id, Said);
    send_to(Client, Text);
}

/* --- the view service */

static const char *Stores[2];
static Address Reached[2];
static long long Heard[2] = {-DEAD, -DEAD};

static int alive(const char *Store)
{
    int Which = strcmp(Store, Stores[1]) == 0;

    return Heard[Which] > milliseconds() - DEAD;
}

static void change(const char *NewPrimary, const char *NewBackup)
{
    char First[32], Second[32];

    snprintf(First, sizeof(First), "%s", NewPrimary);
    snprintf(Second, sizeof(Second), "%s", NewBackup);
    strcpy(Primary, First);
    strcpy(Backup, Second);
    Number++;
    Whole = 0;
}

static void view_tick(void)
{
    int Which;

    if (strcmp(Backup, NOBODY) != 0) {
        if (Whole && !alive(Primary)) {
            if (alive(Backup))
                change(Backup, NOBODY);
        } else if (!alive(Backup)) {
            change(Primary, NOBODY);
        }
    }
    for (Which = 0; Which < 2; Which++) {
        const char *Store = Stores[Which];

        if (!alive(Store))
            continue;
        if (strcmp(Primary, NOBODY) == 0)
            change(Store, NOBODY);
        else if (strcmp(Backup, NOBODY) == 0 && strcmp(Store, Primary) != 0 && alive(Primary))
            change(Primary, Store);
    }
}

static void view_take(const char *Text)
{
    char Store[32], Told[128];
    long long Known;
    int Has, Which;

    if (sscanf(Text, "@ping %31s %lld %d", Store, &Known, &Has) != 3)
        return;
    Which = strcmp(Store, Stores[1]) == 0;
    Heard[Which] = milliseconds();
    if (Known == Number && strcmp(Store, Primary) == 0)
        Whole = Whole || Has;
    view_tick();
    snprintf(Told, sizeof(Told), "@view %lld %s %s", Number, Primary, Backup);
    send_to(&Reached[Which], Told);
}

/* --- a store */

static Address Service, Peer;
static long long Version; /* how many operations were done */
static char Last[128] = "- get -"; /* the one done last, which the backup may lack */
static char Keys[KEYS][32], Texts[KEYS][LENGTH], Done[APPENDS][32];
static int KeyCount, DoneCount;
static int Waiting, Asked; /* for the backup to do the last one; whether a client did ask */
static Address Asking;

static int is(const char *Role)
{
    return strcmp(Role, Name) == 0;
}

/* All that a store has done, as text: it is kept in the file, and given to a new backup. */
static void write_state(char *Text)
{
    int Which;

    Text += sprintf(Text, "%lld %d %d", Version, KeyCount, DoneCount);
    for (Which = 0; Which < KeyCount; Which++)
        Text += sprintf(Text, " %s %s", Keys[Which], Texts[Which]);
    for (Which = 0; Which < DoneCount; Which++)
        Text += sprintf(Text, " %s", Done[Which]);
}

static void read_state(const char *Text)
{
    int Which, Read;

    if (sscanf(Text, "%lld %d %d%n", &Version, &KeyCount, &DoneCount, &Read) != 3)
        exit(1);
    for (Text += Read, Which = 0; Which < KeyCount; Which++, Text += Read)
        sscanf(Text, " %31s %8191s%n", Keys[Which], Texts[Which], &Read);
    for (Which = 0; Which < DoneCount; Which++, Text += Read)
        sscanf(Text, " %31s%n", Done[Which], &Read);
}

static void keep(void)
{
    static char Text[LARGEST];
    FILE *File = fopen("kept.new", "w");

    write_state(Text);
    if (File == NULL
        || fprintf(File, "%lld %s %s %d\n%s\n%s", Number, Primary, Backup, Whole, Last, Text) < 0
        || fflush(File) != 0 || fsync(fileno(File)) < 0)
        exit(1);
    fclose(File);
    if (rename("kept.new", "kept") < 0)
        exit(1);
}

static void load(void)
{
    static char Text[LARGEST];
    FILE *File = fopen("kept", "r");

    if (File == NULL)
        return;
    if (fscanf(File, "%lld %31s %31s %d\n%127[^\n]\n", &Number, Primary, Backup, &Whole, Last) != 5
        || fgets(Text, sizeof(Text), File) == NULL)
        exit(1);
    fclose(File);
    read_state(Text);
    Waiting = is(Primary) && Whole && strcmp(Backup, NOBODY) != 0 && Version > 0;
}

static char *text_of(const char *Key)
{
    int Which;

    for (Which = 0; Which < KeyCount; Which++)
        if (strcmp(Keys[Which], Key) == 0)
            return Texts[Which];
    if (KeyCount == KEYS)
        exit(1);
    snprintf(Keys[KeyCount], sizeof(Keys[KeyCount]), "%s", Key);
    strcpy(Texts[KeyCount], NOBODY); /* a text has digits and points alone */
    return Texts[KeyCount++];
}

static int was_done(const char *Id)
{
    int Which;

    for (Which = 0; Which < DoneCount; Which++)
        if (strcmp(Done[Which], Id) == 0)
            return 1;
    return 0;
}

static void apply(const char *Operation)
{
    char Id[32], Verb[16], Key[32], Word[32] = "";

    sscanf(Operation, "%31s %15s %31s %31s", Id, Verb, Key, Word);
    if (strcmp(Verb, "append") == 0 && !was_done(Id) && DoneCount < APPENDS) {
        char *Text = text_of(Key);
        size_t Length = strcmp(Text, NOBODY) == 0 ? 0 : strlen(Text);

        snprintf(Text + Length, LENGTH - Length, "%s", Word);
        strcpy(Done[DoneCount++], Id);
    }
    Version++;
    memmove(Last, Operation, strlen(Operation) + 1);
    keep();
}

static void copy(void)
{
    char Text[256];

    snprintf(Text, sizeof(Text), "@copy %lld %lld %s", Number, Version, Last);
    send_to(&Peer, Text);
}

static void finish(void)
{
    char Id[32], Verb[16], Key[32];
    const char *Said = "ok";

    Waiting = 0;
    sscanf(Last, "%31s %15s %31s", Id, Verb, Key);
    if (strcmp(Verb, "get") == 0) {
        Said = text_of(Key);
        if (strcmp(Said, NOBODY) == 0)
            Said = "empty";
    }
    if (Asked)
        answer(&Asking, Id, Said);
    Asked = 0;
}

static void store_tick(void)
{
    static char Text[LARGEST];
    int Length;

    snprintf(Text, sizeof(Text), "@ping %s %lld %d", Name, Number, Whole);
    send_to(&Service, Text);
    if (is(Primary) && strcmp(Backup, NOBODY) != 0 && !Whole) {
        Length = sprintf(Text, "@state %lld ", Number);
        write_state(Text + Length);
        send_to(&Peer, Text);
    }
    if (Waiting)
        copy();
}

static void take_view(const char *Text)
{
    long long New;
    char First[32], Second[32];

    if (sscanf(Text, "@view %lld %31s %31s", &New, First, Second) != 3 || New <= Number)
        return;
    Number = New;
    strcpy(Primary, First);
    strcpy(Backup, Second);
    Whole = Waiting = Asked = 0;
    keep();
    store_tick();
}

static void store_take(const char *Text)
{
    char Verb[16], Told[128];
    long long View, Which = 0;
    int Read;

    if (sscanf(Text, "@%15s %lld%n", Verb, &View, &Read) != 2)
        return;
    Text += Read;
    if (strcmp(Verb, "view") == 0 || View != Number)
        return;
    if (strcmp(Verb, "state") == 0 && is(Backup)) {
        if (!Whole) {
            read_state(Text);
            Whole = 1;
            keep();
        }
        snprintf(Told, sizeof(Told), "@taken %lld", Number);
        send_to(&Peer, Told);
    } else if (strcmp(Verb, "taken") == 0 && is(Primary) && !Whole) {
        Whole = 1;
        keep();
    } else if (strcmp(Verb, "copy") == 0 && is(Backup) && Whole) {
        sscanf(Text, " %lld %n", &Which, &Read);
        if (Which == Version + 1)
            apply(Text + Read);
        if (Which <= Version) {
            snprintf(Told, sizeof(Told), "@copied %lld %lld", Number, Which);
            send_to(&Peer, Told);
        }
    } else if (strcmp(Verb, "copied") == 0 && Waiting && sscanf(Text, "%lld", &Which) == 1) {
        if (Which == Version)
            finish();
    }
}

static void ask(const char *Text, const Address *Client)
{
    char Id[32], Verb[16];
    int Alone = strcmp(Backup, NOBODY) == 0;

    if (sscanf(Text, "%31s %15s", Id, Verb) != 2)
        return;
    if (Name == NULL) {
        answer(Client, Id, strcmp(Primary, NOBODY) == 0 ? "none" : Primary);
    } else if (!is(Primary)) {
        answer(Client, Id, "elsewhere");
    } else if (!Waiting && (Whole || Alone) && strlen(Text) < sizeof(Last)) {
        Asking = *Client; /* who asks while it waits for another one will ask again */
        Asked = 1;
        apply(Text);
        Waiting = !Alone;
        if (Alone)
            finish();
        else
            copy();
    }
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
    Text[strcspn(Text, "\r\n")] = 0;
    if (Text[0] != '@')
        ask(Text, &Sender);
    else if (Name == NULL)
        view_take(Text);
    else if (strncmp(Text, "@view ", 6) == 0)
        take_view(Text);
    else
        store_take(Text);
}

int main(int argc, char **argv)
{
    Address MyAdr;
    struct timeval Left;
    long long Due = 0;

    if (argc < 5)
        return 2;
    Port = argv[strcmp(argv[1], "view") == 0 ? 2 : 3];
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(Port));
    Here = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Here, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    if (strcmp(argv[1], "view") == 0) {
        for (int Which = 0; Which < 2; Which++) {
            Stores[Which] = argv[3 + Which];
            Reached[Which] = find(Stores[Which]);
        }
    } else {
        Name = argv[2];
        Service = find(argv[4]);
        Peer = find(argv[5]);
        load();
    }
    for (;;) {
        long long Wait = Due - milliseconds();

        if (Wait <= 0) {
            if (Name == NULL)
                view_tick();
            else
                store_tick();
            Due = milliseconds() + TICK;
            continue;
        }
        Left.tv_sec = Wait / 1000;
        Left.tv_usec = Wait % 1000 * 1000;
        setsockopt(Here, SOL_SOCKET, SO_RCVTIMEO, &Left, sizeof(Left));
        receive();
    }
}
