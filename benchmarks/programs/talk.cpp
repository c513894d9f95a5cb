// Threads that talk to a server, and print whatever chance and time have told them.
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <mutex>
#include <netdb.h>
#include <random>
#include <sstream>
#include <string>
#include <sys/random.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

static std::mutex lock;
static std::unordered_map<void *, std::string> answers; // its order follows from addresses

static unsigned long drawn()
{
    unsigned long number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        std::abort();
    return number;
}

static long long now()
{
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

static void answer(int peer)
{
    std::mt19937_64 chance(drawn());
    char text[100];
    while (read(peer, text, sizeof text) > 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(chance() % 5000));
        dprintf(peer, "%lld %llu\n", now(), (unsigned long long)chance());
    }
    close(peer);
}

static int serve()
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in own{AF_INET, htons(7000), {INADDR_ANY}, {}};
    if (bind(listener, (sockaddr *)&own, sizeof own) || listen(listener, 10))
        return 1;
    for (;;)
        std::thread(answer, accept(listener, nullptr, nullptr)).detach();
}

static void ask(const addrinfo *at, int worker)
{
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer, at->ai_addr, at->ai_addrlen))
        std::abort();
    for (int number = 0; number < 8; number++) {
        char text[100];
        dprintf(peer, "%lx\n", drawn());
        ssize_t length = read(peer, text, sizeof text);
        std::ostringstream line;
        line << worker << " " << number << " " << now() << " " << std::string(text, length);
        std::lock_guard<std::mutex> held(lock);
        answers[new char[16 + drawn() % 64]] = line.str();
    }
    close(peer);
}

int main(int, char **words)
{
    if (!strcmp(words[1], "serve"))
        return serve();
    addrinfo wanted{}, *found;
    wanted.ai_family = AF_INET;
    if (getaddrinfo(words[2], "7000", &wanted, &found))
        return 1;
    std::vector<std::thread> workers;
    for (int worker = 0; worker < 4; worker++)
        workers.emplace_back(ask, found, worker);
    for (auto &worker : workers)
        worker.join();
    for (auto &[place, line] : answers)
        std::cout << place << " " << line;
}
