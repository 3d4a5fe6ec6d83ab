/* SPDX-License-Identifier: MIT */
/*
 * storm.c - hundreds of clients that misbehave at once, and one that must be served all the while
 *
 * What each hostile client does is drawn from a seed, which is printed. Nothing is asked of the
 * answers they get. The probe's answers must be right and in time, and the daemon must end well,
 * without a sanitizer's finding.
 */
#include "daemon.h"
#include "mta.h"
#include "mta_wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CLIENTS_MAX 1000
#define FLOOD	    10
#define TURNS_MAX   200 /* of one client */
#define SHORT_MS    200

static struct storm {
	const char *address;
	long long deadline;
	int limit_ms; /* of the probe */
	atomic_bool over;
	atomic_uint turns; /* connections of hostile clients */
	atomic_uint turned_away;
	unsigned probes; /* of the one probe thread */
	char why[512];
} storm;

struct hostile {
	pthread_t thread;
	unsigned seed;
};

static unsigned
draw(unsigned *seed, unsigned below)
{
	return (unsigned)rand_r(seed) % below;
}

static void
pause_ms(unsigned ms)
{
	const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* A queue of connections that is full is left alone for a while, or nothing else would happen. */
static bool
get_in(struct wire *w, unsigned *seed)
{
	bool open = wire_open(w, storm.address, SHORT_MS);

	atomic_fetch_add(open ? &storm.turns : &storm.turned_away, 1);
	if (!open)
		pause_ms(5 + draw(seed, 50));
	return open;
}

/* --- misbehaviour ----------------------------------------------------------------------------- */

static const unsigned char offer[] = "\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";

static const char client_of_c[] = "mail.example.org\0"
				  "4\x9c@203.0.113.7";

static void
add_packet(struct wire *w, char command, const char *bytes, size_t length)
{
	const struct wire_part part = {bytes, length};

	wire_add_packet(w, command, &part, 1);
}

static void
cut_a_packet(unsigned *seed)
{
	struct wire w;

	if (!get_in(&w, seed))
		return;
	wire_add(&w, offer, draw(seed, 2) ? sizeof offer - 1 : draw(seed, sizeof offer));
	wire_add(&w, "\0\0\x40\0C", draw(seed, 6));
	(void)wire_flush(&w);
	wire_close(&w);
}

static void
send_garbage(unsigned *seed)
{
	unsigned char bytes[4096];
	size_t length = draw(seed, sizeof bytes);
	struct wire_packet answer;
	struct wire w;

	if (!get_in(&w, seed))
		return;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)draw(seed, 256);
	if (draw(seed, 2))
		wire_add(&w, offer, sizeof offer - 1);
	if (draw(seed, 2))
		bytes[0] = bytes[1] = 0; /* a length that is believed */
	wire_add(&w, bytes, length);
	(void)wire_flush(&w);
	if (draw(seed, 2))
		(void)wire_read(&w, SHORT_MS, &answer);
	wire_close(&w);
}

static void
flood_with_connects(unsigned *seed)
{
	struct wire wires[FLOOD];
	unsigned count = 0;

	while (count < FLOOD && get_in(&wires[count], seed))
		count++;
	if (draw(seed, 2))
		pause_ms(draw(seed, 100));
	while (count > 0)
		wire_close(&wires[--count]);
}

/* Asks and asks, and takes no answer. */
static void
read_nothing(unsigned *seed)
{
	struct wire w;
	unsigned count = 1 + draw(seed, draw(seed, 8) == 0 ? 20000 : 500);

	if (!get_in(&w, seed))
		return;
	wire_add(&w, offer, sizeof offer - 1);
	add_packet(&w, 'C', client_of_c, sizeof client_of_c);
	add_packet(&w, 'H', "mail.example.org", 17);
	for (unsigned i = 0; i < count; i++) {
		add_packet(&w, 'M', "<mail-reject@example.org>", 26);
		if (w.out.length == 0 && wire_flush(&w) != WIRE_OK)
			break;
	}
	(void)wire_flush(&w);
	wire_close(&w);
}

static void
write_slowly(unsigned *seed)
{
	struct wire w;

	if (!get_in(&w, seed))
		return;
	for (size_t i = 0; i < sizeof offer - 1; i++) {
		wire_add(&w, &offer[i], 1);
		(void)wire_flush(&w);
		pause_ms(draw(seed, 20));
	}
	wire_close(&w);
}

/* A dialogue that ends without a word at any stage. */
static void
vanish(unsigned *seed)
{
	static const char *const froms[] = {"<a@example.org>", "<mail-reject@example.org>",
		"<mail-discard@example.org>", "<message-quarantine@example.org>"};
	static char body[100000];
	const char *from = froms[draw(seed, 4)];
	const char *to = "<bob@example.com>";
	unsigned last = draw(seed, 9);
	struct mta *m = mta_open(storm.address, SHORT_MS);

	if (!m) {
		pause_ms(5 + draw(seed, 50));
		return;
	}
	if (last > 0 && mta_negotiate(m, &mta_offer_postfix) == MTA_NEGOTIATED && last > 1)
		(void)mta_connect(m, "mail.example.org", "203.0.113.7", 40000);
	if (last > 2)
		(void)mta_helo(m, "mail.example.org");
	if (last > 3)
		(void)mta_mail(m, &from, 1);
	if (last > 4)
		(void)mta_rcpt(m, &to, 1);
	if (last > 5)
		(void)mta_data(m);
	if (last > 6)
		(void)mta_header(m, "Subject", " hello");
	if (last > 7)
		(void)mta_body(m, body, draw(seed, sizeof body));
	mta_close(m);
}

static void
sit_idle(unsigned *seed)
{
	struct wire w;

	if (!get_in(&w, seed))
		return;
	pause_ms(draw(seed, 500));
	wire_close(&w);
}

static void (*const ways[])(unsigned *seed) = {cut_a_packet, flood_with_connects, read_nothing,
	send_garbage, sit_idle, vanish, vanish, write_slowly};

static void *
run_hostile(void *context)
{
	struct hostile *h = context;

	for (unsigned i = 0; i < TURNS_MAX && wire_now_ms() < storm.deadline; i++) {
		ways[draw(&h->seed, sizeof ways / sizeof *ways)](&h->seed);
		pause_ms(draw(&h->seed, 200));
	}
	return NULL;
}

/* --- the probe -------------------------------------------------------------------------------- */

static bool
complain(const char *what, const struct mta *m)
{
	snprintf(storm.why, sizeof storm.why, "session %u: %s: %s", storm.probes + 1, what,
		m ? mta_text(m) : strerror(errno));
	return false;
}

/* A full queue of connections is no fault: an MTA waits for its turn. */
static struct mta *
open_patiently(void)
{
	long long deadline = wire_now_ms() + storm.limit_ms;
	struct mta *m;

	while (!(m = mta_open(storm.address, storm.limit_ms)) && errno == EAGAIN &&
		wire_now_ms() < deadline)
		pause_ms(5);
	return m;
}

static bool
is_served(struct mta *m)
{
	const char *bad = "<mail-reject@example.org>";
	const char *good = "<marked@example.org>";
	const char *to = "<bob@example.com>";
	size_t edits = 0;

	if (mta_negotiate(m, &mta_offer_postfix) != MTA_NEGOTIATED ||
		mta_connect(m, "mail.example.org", "203.0.113.7", 40000) >= MTA_ACCEPT ||
		mta_helo(m, "mail.example.org") >= MTA_ACCEPT)
		return complain("no greeting", m);
	if (mta_mail(m, &bad, 1) != MTA_REJECT ||
		strncmp(mta_text(m), "550 5.7.1 refused at mail (id ", 30) != 0)
		return complain("the bad sender is not refused", m);
	if (mta_mail(m, &good, 1) >= MTA_ACCEPT || mta_rcpt(m, &to, 1) >= MTA_ACCEPT ||
		mta_data(m) >= MTA_ACCEPT || mta_header(m, "Subject", " hello") >= MTA_ACCEPT ||
		mta_body(m, "text\r\n", 6) >= MTA_ACCEPT || mta_eom(m) > MTA_ACCEPT)
		return complain("the good message is not taken", m);
	const struct mta_edit *edit = mta_edits(m, &edits);
	if (edits != 1 || strcmp(edit->name, "X-Late") != 0)
		return complain("the edits are others", m);
	return !mta_unasked(m) || complain("more was said than asked", m);
}

static bool
probe(void)
{
	struct mta *m = open_patiently();
	bool ok = m ? is_served(m) : complain("no connection", NULL);

	if (m)
		mta_quit(m);
	mta_close(m);
	storm.probes += ok;
	return ok;
}

static void *
run_probe(void *context)
{
	bool *ok = context;

	while (*ok && !atomic_load(&storm.over)) {
		*ok = probe();
		pause_ms(5);
	}
	return NULL;
}

/* --- one storm -------------------------------------------------------------------------------- */

static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool
rage(unsigned clients, unsigned seconds, unsigned seed)
{
	static struct hostile hostiles[CLIENTS_MAX];
	unsigned started = 0;
	pthread_t prober;
	bool ok = true;

	storm.deadline = wire_now_ms() + (long long)seconds * 1000;
	if (pthread_create(&prober, NULL, run_probe, &ok) != 0)
		abort();
	for (; started < clients; started++) {
		hostiles[started].seed = seed + started;
		if (pthread_create(
			    &hostiles[started].thread, NULL, run_hostile, &hostiles[started]) != 0)
			break;
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(hostiles[i].thread, NULL);
	atomic_store(&storm.over, true);
	pthread_join(prober, NULL);
	printf("%u hostile clients, %u connections, %u turned away, %u sessions of the probe\n",
		started, atomic_load(&storm.turns), atomic_load(&storm.turned_away), storm.probes);
	return ok && started > 0 && probe();
}

int
main(int argc, char **argv)
{
	bool slow = argc == 6 && strcmp(argv[5], "--slow") == 0;
	unsigned seed = (unsigned)time(NULL);
	struct daemon d;
	char why[512] = "";

	if (argc != 5 && !slow) {
		fprintf(stderr, "usage: storm PROGRAM CONFIG CLIENTS SECONDS [--slow]\n");
		return 2;
	}
	unsigned clients = (unsigned)strtoul(argv[3], NULL, 10);
	unsigned seconds = (unsigned)strtoul(argv[4], NULL, 10);
	raise_limit();
	storm.limit_ms = slow ? 90000 : 15000;
	if (getenv("STORM_SEED"))
		seed = (unsigned)strtoul(getenv("STORM_SEED"), NULL, 10);
	printf("seed %u\n", seed);
	bool ok = daemon_start(&d, argv[1], argv[2], "native", storm.limit_ms, why, sizeof why);
	storm.address = d.address;
	ok = ok && rage(clients < CLIENTS_MAX ? clients : CLIENTS_MAX, seconds, seed);
	if (!daemon_stop(&d, storm.limit_ms, why, sizeof why))
		ok = false;
	if (!ok) {
		printf("FAIL %s %s\n", storm.why, why);
		daemon_print_log(&d);
	}
	daemon_clean(&d);
	printf("%d passed, %d failed\n", ok, !ok);
	return ok ? 0 : 1;
}
