/* chainverify.h - lodectl chain verify: judges a file of 80-byte headers. Threads: main. Memory: malloc. */
#ifndef CTL_CHAINVERIFY_H
#define CTL_CHAINVERIFY_H

struct args;
struct session;

/* chain verify --network NAME [--from-height H] [--spacing D] [--half-life D] FILE
 * Prints one JSON object to the session's out, whatever -o says: headers, first_height, tip (hash in display order),
 * work (64 hex digits, of the headers of the file), ok; on failure also height, code and text of the first header
 * refused, and then headers, tip and work stand for those before it. Where the network retargets by ASERT and nBits are
 * not what it requires, hint says what was assumed, which may be not what the chain was made with; it is said on err
 * too. A file that ends within a header is code "truncated", with the byte offset on err. Nothing is judged by the
 * clock. Returns the exit status: ARGS_OK the chain is good, ARGS_FAILED it is not, ARGS_USAGE; with nothing on
 * out ARGS_FAILED, or ARGS_REFUSED for want of permission, when the file cannot be read. */
int chainverify_run(struct session *s, const struct args *args);

#endif
