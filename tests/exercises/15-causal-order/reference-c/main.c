/* main NAME PORT PEER PEER: a node that shows words in causal order.
 *
 * With each word goes a vector: of each node, how many of its words were shown where the word was
 * posted, itself included. Another node shows it when it has shown all of these, and not before.
 * Each peer is told each word again until it has said that it has it.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NODES 3
#define POSTS 128
#define AGAIN 300 /* milliseconds after which a peer that has not answered is told again */

struct post {
    int Source, Vector[NODES], Shown;
    int LackedBy[NODES]; /* by place; only of this node's own */
    long Told[NODES];
    char Word[32];
};

static struct post Posts[POSTS];
static int Count, Vector[NODES], Place, Node;
static char Shown[4096];
static struct sockaddr_in Adrs[NODES];

static long milliseconds(void)
{
    struct timespec Now;

    clock_gettime(CLOCK_MONOTONIC, &Now);
    return Now.tv_sec * 1000L + Now.tv_nsec / 1000000L;
}

static void send_text(const char *Text, const struct sockaddr_in *To)
{
    sendto(Node, Text, strlen(Text), 0, (const struct sockaddr *)To, sizeof(*To));
}

static void show(struct post *Post)
{
    Post->Shown = 1;
    if (strlen(Shown) + strlen(Post->Word) + 2 < sizeof(Shown))
        strcat(strcat(Shown, " "), Post->Word);
}

static void tell(struct post *Post, int Peer)
{
    char Text[128];

    snprintf(Text, sizeof(Text), "@post %d %d %d %d %s", Post->Source, Post->Vector[0],
             Post->Vector[1], Post->Vector[2], Post->Word);
    Post->Told[Peer] = milliseconds();
    send_text(Text, &Adrs[Peer]);
}

static void post(const char *Word)
{
    struct post *Post = &Posts[Count];

    if (Count == POSTS)
        return;
    Count++;
    Vector[Place]++;
    Post->Source = Place;
    memcpy(Post->Vector, Vector, sizeof(Vector));
    snprintf(Post->Word, sizeof(Post->Word), "%s", Word);
    show(Post);
    for (int i = 0; i < NODES; i++)
        if (i != Place) {
            Post->LackedBy[i] = 1;
            tell(Post, i);
        }
}

/* Whether all that a word depends on is shown, and the word itself is not. */
static int is_next(const struct post *Post)
{
    for (int i = 0; i < NODES; i++)
        if (i == Post->Source ? Post->Vector[i] != Vector[i] + 1 : Post->Vector[i] > Vector[i])
            return 0;
    return !Post->Shown;
}

static void show_all(void)
{
    for (int i = 0; i < Count; i++)
        if (is_next(&Posts[i])) {
            Vector[Posts[i].Source]++;
            show(&Posts[i]);
            i = -1; /* others may have waited for it */
        }
}

static void hear(const char *Text, const struct sockaddr_in *Sender)
{
    struct post Post;
    char Answer[64];

    memset(&Post, 0, sizeof(Post));
    if (sscanf(Text, "@post %d %d %d %d %31s", &Post.Source, &Post.Vector[0], &Post.Vector[1],
               &Post.Vector[2], Post.Word) != 5 || Post.Source < 0 || Post.Source >= NODES)
        return;
    snprintf(Answer, sizeof(Answer), "@have %d %s", Place, Post.Word);
    if (Post.Vector[Post.Source] > Vector[Post.Source] && Count < POSTS) {
        Posts[Count++] = Post;
        show_all();
    }
    send_text(Answer, Sender);
}

static void forget(const char *Text)
{
    char Word[32];
    int Peer;

    if (sscanf(Text, "@have %d %31s", &Peer, Word) != 2 || Peer < 0 || Peer >= NODES)
        return;
    for (int i = 0; i < Count; i++)
        if (strcmp(Posts[i].Word, Word) == 0)
            Posts[i].LackedBy[Peer] = 0;
}

static void receive(void)
{
    static char Answer[sizeof(Shown) + 64];
    char Text[1501], Id[32], Verb[8], Word[32];
    struct sockaddr_in Sender;
    socklen_t Size = sizeof(Sender);
    ssize_t Len = recvfrom(Node, Text, sizeof(Text) - 1, 0, (struct sockaddr *)&Sender, &Size);
    int Words;

    if (Len < 0)
        return;
    Text[Len] = 0;
    if (strncmp(Text, "@post", 5) == 0) {
        hear(Text, &Sender);
        return;
    }
    if (strncmp(Text, "@have", 5) == 0) {
        forget(Text);
        return;
    }
    Words = sscanf(Text, "%31s %7s %31s", Id, Verb, Word);
    if (Words == 3)
        post(Word);
    else if (Words != 2)
        return;
    snprintf(Answer, sizeof(Answer), "%s%s", Id, Words == 3 ? " ok" : Shown);
    send_text(Answer, &Sender);
}

/* Tell again what is due; milliseconds until something else is, -1 if nothing will be. */
static int tell_again(void)
{
    long Least = -1;

    for (int i = 0; i < Count; i++)
        for (int Peer = 0; Peer < NODES; Peer++) {
            long Left = Posts[i].Told[Peer] + AGAIN - milliseconds();

            if (!Posts[i].LackedBy[Peer])
                continue;
            if (Left <= 0) {
                tell(&Posts[i], Peer);
                Left = AGAIN;
            }
            if (Least < 0 || Left < Least)
                Least = Left;
        }
    return (int)Least;
}

static int place_of(char **Names, int Number, const char *Name)
{
    int Found = 0;

    for (int i = 0; i < Number; i++)
        Found += strcmp(Names[i], Name) < 0;
    return Found;
}

int main(int argc, char **argv)
{
    char *Names[NODES];
    struct sockaddr_in MyAdr;

    if (argc != 5)
        return 2;
    Names[0] = argv[1];
    Names[1] = argv[3];
    Names[2] = argv[4];
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    for (int i = 0; i < NODES; i++) {
        struct hostent *Host = gethostbyname(Names[i]);
        struct sockaddr_in *Adr = &Adrs[place_of(Names, NODES, Names[i])];

        if (Host == NULL)
            return 1;
        *Adr = MyAdr;
        memcpy(&Adr->sin_addr, Host->h_addr_list[0], sizeof(Adr->sin_addr));
    }
    Place = place_of(Names, NODES, argv[1]);
    Node = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Node, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    for (;;) {
        struct pollfd Socket = {.fd = Node, .events = POLLIN};

        if (poll(&Socket, 1, tell_again()) > 0)
            receive();
    }
}
