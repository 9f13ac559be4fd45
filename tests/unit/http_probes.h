/* http_probes.h - requests whose end could be understood in two ways, and
 * requests that are no requests (F03 of the fault catalogue), as raw bytes.
 *
 * Each is one request that a strict server refuses with 400 and a closed
 * connection.  The test that uses the table sends a complete second request
 * behind it on the same connection; it must never be processed.
 *
 * The subjects follow the public list Http11Probe (MDA2AV/Http11Probe: 88
 * smuggling and 26 malformed probes); the bytes are our own.  94 of its probes
 * have a row here.  LONG-URL, LONG-METHOD, LONG-HEADER-NAME, LONG-HEADER-VALUE,
 * MANY-HEADERS and POST-CL-HUGE-NO-BODY are in the bombs of fault_web;
 * CHUNK-EXTENSION-LONG is refused at its semicolon.  The others are no requests
 * to refuse:
 *
 *   PIPELINE-SAFE, HEADER-INJECTION, EXPECT-100-CL, RANGE-OVERLAPPING
 *                      right requests, which are served (test_http_server.c)
 *   CL0-BODY-POISON, EXPECT-100-CL-DESYNC, GET-CL-BODY-DESYNC,
 *   GET-CL-PREFIX-DESYNC, HEAD-CL-BODY, OPTIONS-CL-BODY, -BODY-DESYNC
 *                      right requests around which a reader may lose its step:
 *                      the steps in the framing of fault_web
 *   EMPTY-REQUEST, INCOMPLETE-REQUEST
 *                      nothing to answer: closed in time (fault_web, slow;
 *                      test_http_server.c)
 *
 * Used by test_http_server.c against the server and by tests/bench/
 * http_candidates against libraries that were candidates for it. */
#ifndef CONNECT_TESTS_HTTP_PROBES_H
#define CONNECT_TESTS_HTTP_PROBES_H

#include <stddef.h>

struct http_probe {
    const char *name;
    const char *bytes;
    size_t len;
};

#define PROBE(name, text)                                                      \
    {                                                                          \
        name, text, sizeof(text) - 1                                           \
    }
/* A head that is well formed up to here. */
#define PROBE_HEAD "POST /first HTTP/1.1\r\nHost: a.example\r\n"
#define PROBE_CHUNKED PROBE_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define PROBE_END "5\r\nhello\r\n0\r\n\r\n"
/* 40 bytes that would be a request; 45 with the last chunk before them. */
#define PROBE_INNER "GET /third HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define PROBE_LAST_INNER "0\r\n\r\n" PROBE_INNER
/* One Content-Length or Transfer-Encoding value, and the body it means. */
#define PROBE_LENGTH(name, value)                                              \
    PROBE(name, PROBE_HEAD "Content-Length:" value "\r\n\r\nhello")
#define PROBE_CODING(name, value)                                              \
    PROBE(name, PROBE_HEAD "Transfer-Encoding:" value "\r\n\r\n" PROBE_END)
#define PROBE_LINES(name, lines, body) PROBE(name, PROBE_HEAD lines "\r\n" body)

#define PROBE_SECOND                                                           \
    "POST /second HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n"

static const struct http_probe http_probes_smuggling[] = {
    /* Both framings. */
    PROBE_LINES("length, then chunked",
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                PROBE_END),
    PROBE_LINES("chunked, then length",
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                PROBE_END),
    PROBE_LINES("length 0 and chunked",
                "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                PROBE_END),
    PROBE_LINES("length and unknown coding",
                "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
                "hello"),
    PROBE_LINES("length and coding identity",
                "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
                "hello"),
    PROBE_LINES("length 4 and chunked",
                "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n"),
    PROBE_LINES("chunked and length 30",
                "Transfer-Encoding: chunked\r\nContent-Length: 30\r\n",
                "0\r\n\r\n"),
    PROBE_LINES("length, then chunked, and close",
                "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n"
                "Connection: close\r\n",
                PROBE_END),
    PROBE_LINES("chunked, then length, and close",
                "Transfer-Encoding: chunked\r\nContent-Length: 15\r\n"
                "Connection: close\r\n",
                PROBE_END),
    PROBE_LINES("length one byte beyond the chunks",
                "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\nX"),
    PROBE_LINES("length shorter than the chunks",
                "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                PROBE_END),
    PROBE_LINES("length and empty coding",
                "Content-Length: 5\r\nTransfer-Encoding:\r\n", "hello"),
    /* Both, and a request inside what one of them means. */
    PROBE_LINES("a request behind the last chunk",
                "Content-Length: 45\r\nTransfer-Encoding: chunked\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a HEAD behind the last chunk",
                "Content-Length: 46\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\nHEAD /third HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    PROBE_LINES("a request inside, coding with blank behind",
                "Content-Length: 45\r\nTransfer-Encoding: chunked \r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, coding with comma before",
                "Content-Length: 45\r\nTransfer-Encoding: , chunked\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, coding in capitals",
                "Content-Length: 45\r\nTransfer-Encoding: Chunked\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, coding folded",
                "Transfer-Encoding:\r\n chunked\r\nContent-Length: 45\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, length with plus",
                "Content-Length: +45\r\nTransfer-Encoding: chunked\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, length with letters",
                "Content-Length: 45abc\r\nTransfer-Encoding: chunked\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, two codings",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"
                "Content-Length: 45\r\n",
                PROBE_LAST_INNER),
    PROBE_LINES("a request inside, two lengths",
                "Content-Length: 5\r\nContent-Length: 45\r\n",
                "hello" PROBE_INNER),
    PROBE_LINES("a request as a chunk, length to its size",
                "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
                "28\r\n" PROBE_INNER "\r\n0\r\n\r\n"),
    /* Several lengths. */
    PROBE_LINES("two different lengths",
                "Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
    PROBE_LINES("two equal lengths",
                "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    PROBE_LINES("two lengths in different case",
                "Content-Length: 5\r\ncontent-length: 0\r\n", "hello"),
    PROBE_LINES("a length and an empty one",
                "Content-Length: 5\r\nContent-Length:\r\n", "hello"),
    PROBE_LENGTH("length list, equal", " 5, 5"),
    PROBE_LENGTH("length list, different", " 5, 0"),
    PROBE_LENGTH("length list, no blank", " 5,5"),
    PROBE_LENGTH("length list of three", " 5, 5, 5"),
    PROBE_LENGTH("length, comma behind", " 5,"),
    /* One length, oddly written. */
    PROBE_LENGTH("length with plus", " +5"),
    PROBE_LENGTH("length with minus", " -5"),
    PROBE_LENGTH("length minus zero", " -0"),
    PROBE_LENGTH("length hexadecimal", " 0x5"),
    PROBE_LENGTH("length octal", " 0o5"),
    PROBE_LENGTH("length binary", " 0b101"),
    PROBE_LENGTH("length with leading zero", " 05"),
    PROBE_LENGTH("length 0200", " 0200"),
    PROBE_LENGTH("length with many zeros", " 00000000000000000005"),
    PROBE_LENGTH("length two zeros", " 00"),
    PROBE_LENGTH("length of 20 digits", " 10000000000000000005"),
    PROBE_LENGTH("length 2^64 + 5", " 18446744073709551621"),
    PROBE_LENGTH("length 2^32 + 5 with blank", " 4294967 301"),
    PROBE_LENGTH("length with fraction", " 5.0"),
    PROBE_LENGTH("length with exponent", " 5e0"),
    PROBE_LENGTH("length with underscore", " 0_5"),
    PROBE_LENGTH("length with letters behind", " 5abc"),
    PROBE_LENGTH("length as word", " five"),
    PROBE_LENGTH("length in quotes", " \"5\""),
    PROBE_LENGTH("length with parameter", " 5;a=b"),
    PROBE_LENGTH("length empty", ""),
    PROBE_LENGTH("length of wide digits", " \xef\xbc\x95"),
    PROBE_LENGTH("length with tab behind", " 5\t"),
    PROBE_LENGTH("length with blank behind", " 5 "),
    PROBE_LENGTH("length behind two blanks", "  5"),
    PROBE_LENGTH("length behind tab", "\t5"),
    PROBE_LENGTH("length behind vertical tab", " \v5"),
    PROBE_LENGTH("length with NUL behind", " 5\0"),
    PROBE_LENGTH("length folded", "\r\n 5"),
    PROBE_LENGTH("length continued by folding", " 5\r\n 0"),
    PROBE_LENGTH("length cut by bare CR", " 5\r0"),
    PROBE_LENGTH("length cut by bare LF", " 5\n0"),
    PROBE_LINES("blank before the colon of length", "Content-Length : 5\r\n",
                "hello"),
    PROBE_LINES("tab before the colon of length", "Content-Length\t: 5\r\n",
                "hello"),
    PROBE_LINES("NUL in the name of length", "Content-Length\0: 5\r\n",
                "hello"),
    PROBE_LINES("underscore in the name of length", "Content_Length: 5\r\n",
                "hello"),
    PROBE_LINES("blank before the name of length", " Content-Length: 5\r\n",
                "hello"),
    /* One coding, oddly written. */
    PROBE_CODING("coding xchunked", " xchunked"),
    PROBE_CODING("coding identity", " identity"),
    PROBE_CODING("coding chunked, identity", " chunked, identity"),
    PROBE_CODING("coding identity, chunked", " identity, chunked"),
    PROBE_CODING("coding chunked, gzip", " chunked, gzip"),
    PROBE_CODING("coding gzip, chunked", " gzip, chunked"),
    PROBE_CODING("coding chunked twice", " chunked, chunked"),
    PROBE_CODING("coding with comma behind", " chunked,"),
    PROBE_CODING("coding with comma before", " ,chunked"),
    PROBE_CODING("coding with tab behind", " chunked\t"),
    PROBE_CODING("coding with blank behind", " chunked "),
    PROBE_CODING("coding behind two blanks", "  chunked"),
    PROBE_CODING("coding behind tab", "\tchunked"),
    PROBE_CODING("coding behind vertical tab", " \vchunked"),
    PROBE_CODING("coding behind form feed", " \fchunked"),
    PROBE_CODING("coding with form feed behind", " chunked\f"),
    PROBE_CODING("coding with NUL behind", " chunked\0"),
    PROBE_CODING("coding in quotes", " \"chunked\""),
    PROBE_CODING("coding in capitals", " CHUNKED"),
    PROBE_CODING("coding with parameter", " chunked;q=1"),
    PROBE_CODING("coding with semicolon", " chunked;"),
    PROBE_CODING("coding with a blank inside", " chun ked"),
    PROBE_CODING("coding empty", ""),
    PROBE_CODING("coding folded", "\r\n chunked"),
    PROBE_CODING("coding behind bare CR", " x\rTransfer-Encoding: chunked"),
    PROBE_CODING("coding behind bare LF", " x\nTransfer-Encoding: chunked"),
    PROBE_LINES("two codings",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                PROBE_END),
    PROBE_LINES("two codings, identity first",
                "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
                PROBE_END),
    PROBE_LINES("blank before the colon of coding",
                "Transfer-Encoding : chunked\r\n", PROBE_END),
    PROBE_LINES("blank before the name of coding",
                " Transfer-Encoding: chunked\r\n", PROBE_END),
    PROBE_LINES("underscore in the name of coding",
                "Transfer_Encoding: chunked\r\n", PROBE_END),
    PROBE("coding in HTTP/1.0", "POST /first HTTP/1.0\r\nHost: a.example\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n" PROBE_END),
    PROBE("coding folded, without a body of its own",
          "OPTIONS /first HTTP/1.1\r\nHost: a.example\r\n"
          "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\nhello"),
    PROBE_LINES("coding hidden behind bare LF of another field",
                "X-A: b\nTransfer-Encoding: chunked\r\n", PROBE_END),
    PROBE_LINES("coding hidden behind bare CR of another field",
                "X-A: b\rTransfer-Encoding: chunked\r\n", PROBE_END),
    /* Chunks. */
    PROBE("chunk size with blank behind",
          PROBE_CHUNKED "5 \r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size with blank before",
          PROBE_CHUNKED " 5\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size with tab behind",
          PROBE_CHUNKED "5\t\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size with plus", PROBE_CHUNKED "+5\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size +0 and a byte", PROBE_CHUNKED "+0\r\n\r\nX"),
    PROBE("chunk size with minus", PROBE_CHUNKED "-5\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size with 0x", PROBE_CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size with underscore",
          PROBE_CHUNKED "0_5\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size 2^64 + 5",
          PROBE_CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size of 9 digits",
          PROBE_CHUNKED "100000005\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size empty", PROBE_CHUNKED "\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size no number", PROBE_CHUNKED "g\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk size with NUL", PROBE_CHUNKED "5\0\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension", PROBE_CHUNKED "5;a=b\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension with a bracket in its name",
          PROBE_CHUNKED "5;bad[=x\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension without name",
          PROBE_CHUNKED "5;\r\nhello\r\n0\r\n\r\n"),
    PROBE("semicolon and bare LF behind the chunk size",
          PROBE_CHUNKED "5;\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension with bare LF",
          PROBE_CHUNKED "5;a\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension with LF, then CRLF",
          PROBE_CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension with bare CR",
          PROBE_CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    PROBE("chunk extension with NUL",
          PROBE_CHUNKED "5;a\0b\r\nhello\r\n0\r\n\r\n"),
    PROBE("bare LF behind the chunk size",
          PROBE_CHUNKED "5\nhello\r\n0\r\n\r\n"),
    PROBE("bare CR behind the chunk size",
          PROBE_CHUNKED "5\rhello\r\n0\r\n\r\n"),
    PROBE("bare LF behind the chunk", PROBE_CHUNKED "5\r\nhello\n0\r\n\r\n"),
    PROBE("nothing behind the chunk", PROBE_CHUNKED "5\r\nhello0\r\n\r\n"),
    PROBE("two bytes instead of CRLF", PROBE_CHUNKED "5\r\nhelloXX0\r\n\r\n"),
    PROBE("chunk longer than its size",
          PROBE_CHUNKED "5\r\nhello!!\r\n0\r\n\r\n"),
    PROBE("bare LF behind the last chunk",
          PROBE_CHUNKED "5\r\nhello\r\n0\n\r\n"),
    PROBE("bare LF at the end", PROBE_CHUNKED "5\r\nhello\r\n0\r\n\n"),
    PROBE("bare LF everywhere", PROBE_CHUNKED "5\nhello\n0\n\n"),
    PROBE("extension of the last chunk with LF",
          PROBE_CHUNKED "5\r\nhello\r\n0;a\n\r\n"),
    PROBE("trailer with length",
          PROBE_CHUNKED "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
    PROBE("trailer with coding", PROBE_CHUNKED
          "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    PROBE("trailer with Host",
          PROBE_CHUNKED "5\r\nhello\r\n0\r\nHost: b.example\r\n\r\n"),
    PROBE("trailer with Authorization", PROBE_CHUNKED
          "5\r\nhello\r\n0\r\nAuthorization: Bearer evil\r\n\r\n"),
    PROBE("trailer with Content-Type",
          PROBE_CHUNKED "5\r\nhello\r\n0\r\nContent-Type: text/evil\r\n\r\n"),
    PROBE("trailer with bare LF",
          PROBE_CHUNKED "5\r\nhello\r\n0\r\nX-A: b\n\r\n"),
};

static const struct http_probe http_probes_malformed[] = {
    /* Host. */
    PROBE("no Host", "POST /first HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    PROBE_LINES("two Hosts", "Host: b.example\r\n", ""),
    PROBE_LINES("two equal Hosts", "Host: a.example\r\n", ""),
    PROBE("Host empty", "GET /first HTTP/1.1\r\nHost:\r\n\r\n"),
    PROBE("Host with path", "GET /first HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    PROBE("Host with user", "GET /first HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    PROBE("Host list", "GET /first HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    PROBE("Host with port of letters",
          "GET /first HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    /* The request line. */
    PROBE("HTTP/0.9", "GET /first\r\n"),
    PROBE("HTTP/1.2", "GET /first HTTP/1.2\r\nHost: a\r\n\r\n"),
    PROBE("HTTP/2.0", "GET /first HTTP/2.0\r\nHost: a\r\n\r\n"),
    PROBE("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    PROBE("version in small letters", "GET /first http/1.1\r\nHost: a\r\n\r\n"),
    PROBE("version with zero", "GET /first HTTP/01.1\r\nHost: a\r\n\r\n"),
    PROBE("two blanks", "GET  /first HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("two blanks before the version",
          "GET /first  HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("blank at the end", "GET /first HTTP/1.1 \r\nHost: a\r\n\r\n"),
    PROBE("blank at the beginning", " GET /first HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("tabs for blanks", "GET\t/first\tHTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("empty line first", "\r\nGET /first HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("method no token", "GE(T /first HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("absolute target", "GET http://a/first HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("absolute target of another host",
          "GET http://b.example/first HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    PROBE("asterisk target", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with fragment", "GET /first#a HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with half an escape",
          "GET /first%4 HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with NUL escape",
          "GET /first%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with NUL", "GET /fir\0st HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with raw UTF-8",
          "GET /f\xc3\xbcrst HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with raw overlong UTF-8",
          "GET /\xc0\xaf HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with escaped line end",
          "GET /first%0d%0aX-Injected:%20true HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("target with escaped LF, capital",
          "GET /first%0A HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("bare CR in the request line",
          "GET /first\r HTTP/1.1\r\nHost: a\r\n\r\n"),
    PROBE("bare LF line ends", "GET /first HTTP/1.1\nHost: a\n\n"),
    PROBE("bare LF behind the request line",
          "GET /first HTTP/1.1\nHost: a\r\n\r\n"),
    PROBE("bare LF at the end of the head",
          "GET /first HTTP/1.1\r\nHost: a\r\n\n"),
    PROBE("white space only", "   \r\n\r\n"),
    PROBE("bytes of no protocol", "\x9c\x04\xe5\x00\x7f\xfe\x11\x88\x0b\xd3"),
    PROBE("a TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
    /* Fields. */
    PROBE_LINES("folded field", "X-A: b\r\n c\r\n", ""),
    PROBE("folded first field", "GET /first HTTP/1.1\r\n Host: a\r\n\r\n"),
    PROBE_LINES("line without colon", "X-A\r\n", ""),
    PROBE_LINES("empty name", ": b\r\n", ""),
    PROBE_LINES("blank in the name", "X A: b\r\n", ""),
    PROBE_LINES("blank before the colon", "X-A : b\r\n", ""),
    PROBE_LINES("bracket in the name", "X(A): b\r\n", ""),
    PROBE_LINES("UTF-8 in the name", "X-\xc3\xbc: b\r\n", ""),
    PROBE_LINES("NUL in the value", "X-A: b\0c\r\n", ""),
    PROBE_LINES("bell in the value", "X-A: b\ac\r\n", ""),
    PROBE_LINES("several control characters in the value",
                "X-A: abc\a\b\vdef\r\n", ""),
    PROBE_LINES("DEL in the value",
                "X-A: b\x7f"
                "c\r\n",
                ""),
    PROBE_LINES("bare CR in the value", "X-A: b\rc\r\n", ""),
    PROBE_LINES("unknown expectation", "Expect: 200-ok\r\n", ""),
};

enum {
    HTTP_PROBES_SMUGGLING =
        sizeof(http_probes_smuggling) / sizeof(http_probes_smuggling[0]),
    HTTP_PROBES_MALFORMED =
        sizeof(http_probes_malformed) / sizeof(http_probes_malformed[0]),
};

#endif
