/* getservbyname has the port in the network's order already; htons turns it back. */
/*
 * broken: listen_on(htons(Port));
 *
 * fixed: listen_on(Port);
 */
#include "museum.h"

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    welcome(listen_on(Fixed ? Port : htons(Port)), echo);
}
