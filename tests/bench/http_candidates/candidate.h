/* candidate.h - what each candidate server of the comparison does.
 *
 * Serve HTTP on 127.0.0.1:port on the calling thread until killed: 200 and
 * "fine" for every POST and GET.  Each call of candidate_saw is a request that
 * the server hands to its owner; the program that probes reads the counts. */
#ifndef CONNECT_BENCH_CANDIDATE_H
#define CONNECT_BENCH_CANDIDATE_H

/* Counted in memory shared with the probing process. */
struct candidate_counts {
    _Atomic int requests;
    _Atomic int seconds; /* for /second */
};

extern struct candidate_counts *candidate_counts;

void candidate_saw(const char *target);
void candidate_connect(int port);
void candidate_parser(int port);
void candidate_parser_head(int port);
void candidate_microhttpd(int port);
void candidate_evhttp(int port);

#endif
