/* Channels and select: runtime/src/api/{chan,select,waiter}.c, one atomic step per shared access.
 * Two unbuffered channels. One goroutine receives by select from both, twice; one sends to each; a third closes channel
 * 0 after its sender is done, in the variant CLOSE. Checked in every interleaving:
 *   - nobody waits for ever (invalid end states), so no wake-up is lost;
 *   - every value is received exactly once, and a select is won by exactly one waker;
 *   - ready() is called once per park, on a goroutine that is off its stack (S1);
 *   - a wait record is touched only while it is valid.
 * Planted bugs, which must be found: BUG=1 the waker takes a select's record without the compare-and-swap on
 * select_done. BUG=2 the selector releases the locks before it is off its stack. BUG=3 it leaves its losing records in
 * the queues when it goes on. */
#ifndef BUG
#define BUG 0
#endif

#define CHANS 2
#define SELECTOR 2      /* number of the G; 0 and 1 are the senders */
#define GS 3
#define NONE 255

byte lock_of[CHANS];           /* 0 open, else 1 + G that holds it */
byte receiver[CHANS];          /* the queued record of the selector: it is queued at most once per channel */
byte sender[CHANS];            /* the G that waits to send, or NONE */
byte parked[GS];               /* 0 running, 1 off its stack and waiting */
byte woken[GS];                /* ready() was called */
byte select_done, fired;       /* the wait box of the selector */
byte valid;                    /* its records are on its stack and in use */
byte closed[CHANS];
byte got[CHANS], sent[CHANS];
byte got_close;

inline acquire(ch, holder) { atomic { lock_of[ch] == 0 -> lock_of[ch] = 1 + holder } }
inline release(ch, holder) { atomic { assert(lock_of[ch] == 1 + holder); lock_of[ch] = 0 } }

inline ready(who)
{
    atomic { assert(parked[who] == 1); assert(woken[who] == 0); woken[who] = 1 }
}
inline wait_woken(who)
{
    atomic { woken[who] == 1 -> woken[who] = 0; parked[who] = 0 }
}

/* rti_waiter_pop on the receivers of c, lock held: took = 1 if the selector is ours. */
inline pop_receiver(ch, won)
{
    won = 0;
    if
    :: receiver[ch] == NONE -> skip
    :: else ->
        assert(valid);
        receiver[ch] = NONE;
#if BUG == 1
        won = 1
#else
        atomic {
            if
            :: select_done == 0 -> select_done = 1; won = 1
            :: else -> skip
            fi
        }
#endif
    fi
}

proctype Send(byte c)
{
    byte took;
    acquire(c, c);
    pop_receiver(c, took);
    if
    :: took == 1 ->
        fired = c;
        got[c]++;
        sent[c]++;
        release(c, c);
        ready(SELECTOR)
    :: else ->
        sender[c] = c;
        parked[c] = 1;      /* park_unlock: the lock goes after the switch */
        release(c, c);
        wait_woken(c);
        sent[c]++
    fi
#ifdef CLOSE
    if
    :: c == 0 ->
        acquire(0, 0);
        closed[0] = 1;
        pop_receiver(0, took);
        if
        :: took == 1 -> fired = 0; got_close++; release(0, 0); ready(SELECTOR)
        :: else -> release(0, 0)
        fi
    :: else -> skip
    fi
#endif
}

proctype Select()
{
    byte rounds = 0, c, took;
    do
    :: rounds < 2 ->
        acquire(0, SELECTOR);   /* by address, so that two selects cannot wait for each other */
        acquire(1, SELECTOR);
        took = NONE;
        if /* a random order: both are tried by the model */
        :: sender[0] != NONE -> took = 0
        :: sender[1] != NONE -> took = 1
        :: sender[0] == NONE && sender[1] == NONE && closed[0] -> got_close++; took = NONE - 1
        :: sender[0] == NONE && sender[1] == NONE && !closed[0] -> skip
        fi;
        if
        :: took < CHANS ->
            c = sender[took];
            sender[took] = NONE;
            got[took]++;
            release(0, SELECTOR);
            release(1, SELECTOR);
            ready(c)
        :: took == NONE - 1 ->
            release(0, SELECTOR);
            release(1, SELECTOR)
        :: else ->
            select_done = 0;
            valid = 1;
            receiver[0] = 0;
            receiver[1] = 0;
#if BUG == 2
            release(0, SELECTOR);
            release(1, SELECTOR);
            parked[SELECTOR] = 1;
#else
            parked[SELECTOR] = 1;   /* off the stack, then the commit releases lock by lock */
            release(0, SELECTOR);
            release(1, SELECTOR);
#endif
            wait_woken(SELECTOR);
            acquire(0, SELECTOR);
            acquire(1, SELECTOR);
            assert(fired < CHANS && receiver[fired] == NONE);
#if BUG != 3
            receiver[0] = NONE;
            receiver[1] = NONE;
#endif
            release(0, SELECTOR);
            release(1, SELECTOR);
            valid = 0;
            fired = NONE
        fi;
        rounds++
    :: else -> break
    od;
    /* all that was sent was received, once */
#ifndef CLOSE
    assert(got[0] == 1 && got[1] == 1)
#else
    assert(got[0] + got[1] + got_close == 2 && got[0] <= 1 && got[1] <= 1);
    /* a sender that lost its turn to the close notice is served by a plain receive */
    if
    :: got[1] == 0 ->
        acquire(1, SELECTOR);
        if
        :: sender[1] != NONE ->
            c = sender[1]; sender[1] = NONE; got[1]++; release(1, SELECTOR); ready(c)
        :: else ->
            select_done = 0; valid = 1; receiver[1] = 0; parked[SELECTOR] = 1;
            release(1, SELECTOR);
            wait_woken(SELECTOR);
            valid = 0
        fi
    :: else -> skip
    fi;
    assert(got[1] == 1)
#endif
}

init
{
    atomic {
        receiver[0] = NONE; receiver[1] = NONE;
        sender[0] = NONE; sender[1] = NONE;
        fired = NONE;
        run Send(0);
        run Send(1);
        run Select()
    }
}
