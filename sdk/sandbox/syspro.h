/* syspro.h - the SYSPRO simulator as a program of the common base. */
#ifndef SANDBOX_SYSPRO_H
#define SANDBOX_SYSPRO_H

/* The whole program; returns its exit code. */
int syspro_run(int argc, char **argv);

#endif
