/* syspro.h - the SYSPRO simulator as a program of the common base. */
#ifndef CONNECT_SANDBOX_SYSPRO_H
#define CONNECT_SANDBOX_SYSPRO_H

/* The whole program; returns its exit code. */
int syspro_run(int argc, char **argv);

#endif
