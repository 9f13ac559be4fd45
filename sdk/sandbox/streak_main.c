/* streak_main.c - the program streak-sim. */
#include "streak.h"

int main(int argc, char **argv)
{
    return sim_main(argc, argv, &streak_program);
}
