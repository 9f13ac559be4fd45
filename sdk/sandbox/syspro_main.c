/* syspro_main.c - the program syspro-sim; everything is in syspro.c, so that
 * the unit test can run it in a child process.  Called once, by the system. */
#include "syspro.h"

int main(int argc, char **argv)
{
    return syspro_run(argc, argv);
}
