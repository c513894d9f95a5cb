/* main lock PORT: a lock with leases. main store PORT: a number that it protects.
 *
 * The lock gives a token with each lease, larger than all before. The store looks at the tokens:
 * whoever comes with a smaller one than it has seen is a holder of old. Both keep what they must
 * not forget in a file, before they answer.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LEASE 1000 /* milliseconds */

static long long Token;           /* the last that the lock gave, the largest that the store saw */
static char Value[32] = "empty";  /* what the store holds */
static long long Until;           /* when the lock's lease is over */

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
    if (fscanf(File, "%lld %31s", &Token, Value) != 2)
        exit(1);
    fclose(File);
    Until = milliseconds() + LEASE; /* a lease from before this start may last until then */
}

static void keep(void)
{
    FILE *File = fopen("kept.new", "w");

    if (File == NULL || fprintf(File, "%lld %s", Token, Value) < 0 || fflush(File) != 0
        || fsync(fileno(File)) < 0)
        exit(1);
    fclose(File);
    if (rename("kept.new", "kept") < 0)
        exit(1);
}

static const char *acquire(void)
{
    static char Text[32];

    if (milliseconds() < Until)
        return "busy";
    Token++;
    keep();
    Until = milliseconds() + LEASE;
    snprintf(Text, sizeof(Text), "%lld", Token);
    return Text;
}

static const char *let_go(long long Given)
{
    if (Given != Token || milliseconds() >= Until)
        return "gone";
    Until = 0;
    return "ok";
}

static const char *use(long long Given, const char *Written)
{
    if (Given < Token)
        return "stale";
    Token = Given;
    if (Written != NULL)
        snprintf(Value, sizeof(Value), "%s", Written);
    keep();
    return Written != NULL ? "ok" : Value;
}

static const char *answer(const char *Verb, long long Given, const char *Written)
{
    if (strcmp(Verb, "acquire") == 0)
        return acquire();
    if (strcmp(Verb, "release") == 0)
        return let_go(Given);
    return use(Given, strcmp(Verb, "write") == 0 ? Written : NULL);
}

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1001], Answer[128];
    int Here;

    if (argc != 3)
        return 2;
    load();
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    Here = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Here, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    for (;;) {
        char Id[32] = "", Verb[16] = "", Written[32] = "";
        long long Given = 0;
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Here, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len < 0)
            continue;
        Request[Len] = 0;
        if (sscanf(Request, "%31s %15s %lld %31s", Id, Verb, &Given, Written) < 2)
            continue;
        Len = snprintf(Answer, sizeof(Answer), "%s %s\n", Id, answer(Verb, Given, Written));
        sendto(Here, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
