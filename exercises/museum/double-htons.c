/* getservbyname has the port in the network's order already; htons turns it back. */
#include "museum.h"

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(listen_on(Mended ? Port : htons(Port)), echo);
}
