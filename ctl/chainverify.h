/* chainverify.h - lodectl chain verify: judges a file of 80-byte headers. Threads: main. Memory: malloc. */
#ifndef CTL_CHAINVERIFY_H
#define CTL_CHAINVERIFY_H

/* chain verify --network NAME [--from-height H] [--spacing S] [--half-life S] FILE
 * argv[0] is the word "verify" (ignored), the arguments follow. Prints one JSON object to standard output: headers,
 * first_height, tip (hash in display order), work (64 hex digits, of the headers of the file), ok; on failure also
 * height, code and text of the first header refused, and then headers, tip and work stand for those before it.
 * A file that ends within a header is code "truncated", with the byte offset on standard error. Nothing is judged by
 * the clock. Returns the exit status: 0 the chain is good, 1 it is not or the file cannot be read, 2 wrong usage; 1
 * without JSON, and 2, with a message on standard error. */
int chainverify_main(int argc, char **argv);

#endif
