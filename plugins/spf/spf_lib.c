/* SPDX-License-Identifier: MIT */
/*
 * spf_lib.c - the only file that knows libspf2, and what libspf2 may know
 *
 * The library goes from term to term, into includes and along redirects, compares addresses with
 * prefixes, and chooses the explanation. It gets a text made for it: known mechanisms with an alias
 * of six octets in place of each domain, at most eleven of them. When it asks its DNS layer for an
 * alias, the term behind it is looked up. So its compiler never sees an octet that came from
 * outside: long domains overflow its buffers (CVE-2023-42118), records over 511 octets lose their
 * end, and blanks, prefixes of 0 and some macros are read wrongly.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <spf2/spf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "spf_alias.h"
#include "spf_text.h"

/* --- the library's idea of an error ------------------------------------------------------------
 */

/*
 * What a thread has of the library, from its first check to its end. Each server that is made asks
 * the system for its name and compiles two texts that nobody needs.
 */
struct thread {
	jmp_buf *back;	      /* where leave() goes */
	SPF_dns_server_t dns; /* its hook is the check that runs */
	SPF_server_t *server; /* NULL: none yet */
};

static pthread_key_t key;
static bool usable; /* set once: the system had a key left */
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

/*
 * It reports trouble inside (no memory, mostly) to a handler that must not return, and would abort.
 * The handler goes back to spf_lib_run(), which is on the stack of the same thread.
 */
static void __attribute__((noreturn)) leave(const char *file, int line, const char *message)
{
	const struct thread *thread = pthread_getspecific(key);

	(void)file;
	(void)line;
	(void)message;
	longjmp(*thread->back, 1);
}

static void
ignore(const char *file, int line, const char *message)
{
	(void)file;
	(void)line;
	(void)message;
}

static void
end_thread(void *data)
{
	struct thread *thread = data;

	if (thread->server != NULL)
		SPF_server_free(thread->server);
	free(thread);
}

static void
prepare(void)
{
	usable = pthread_key_create(&key, end_thread) == 0;
	SPF_error_handler = leave;
	SPF_warning_handler = ignore;
	SPF_info_handler = ignore;
	SPF_debug_handler = ignore;
}

/* --- answers for the library -------------------------------------------------------------------
 */

static SPF_dns_rr_t *
reply(SPF_dns_server_t *dns, const char *name, ns_type type, SPF_dns_stat_t status)
{
	/* NULL makes the library report an error, which is right: there is no memory. */
	return SPF_dns_rr_new_init(dns, name, type, 0, status);
}

/* Without memory the answer is a failure, not one record less. */
static bool
add(SPF_dns_rr_t *rr, size_t len)
{
	if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, len) != SPF_E_SUCCESS) {
		rr->herrno = TRY_AGAIN;
		return false;
	}
	rr->num_rr++;
	return true;
}

static SPF_dns_rr_t *
reply_yes(SPF_dns_server_t *dns, const char *name, ns_type type)
{
	SPF_dns_rr_t *rr = reply(dns, name, type, NETDB_SUCCESS);

	if (rr != NULL && add(rr, sizeof(struct in_addr)))
		rr->rr[0]->a.s_addr = 0;
	return rr;
}

static void
add_addresses(SPF_dns_rr_t *rr, const struct cm_dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		const unsigned char *address = answer->records[i].address;

		if (address == NULL || !add(rr, sizeof(struct in6_addr)))
			return;
		if (rr->rr_type == ns_t_a)
			memcpy(&rr->rr[i]->a, address, sizeof(rr->rr[i]->a));
		else
			memcpy(&rr->rr[i]->aaaa, address, sizeof(rr->rr[i]->aaaa));
	}
}

static void
add_hosts(SPF_dns_rr_t *rr, const struct cm_dns_answer *answer)
{
	for (size_t i = 0; i < answer->count && add(rr, SPF_ALIAS_SIZE); i++)
		spf_alias_host(rr->rr[i]->mx, rr->domain, i);
}

/* mx/0: some host has an address of the client's family. */
static bool
any_host(struct spf_state *st, struct spf_frame *frame, const char *domain)
{
	const struct cm_dns_answer *hosts = spf_ask_hosts(st, frame, domain);

	for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
		if (spf_ask_host(st, frame, i) != NULL)
			return true;
	}
	return false;
}

/* A term that is an `exists` for the library. */
static bool
matches(struct spf_state *st, const struct spf_place *p, const char *domain)
{
	switch (p->term->kind) {
	case SPF_A:
		return spf_ask_addresses(st, domain) != NULL;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
		return true;
	case SPF_EXISTS:
		return spf_ask(st, domain, CM_DNS_A) != NULL;
	case SPF_MX:
		return any_host(st, p->frame, domain);
	case SPF_PTR:
		return spf_ask_name(st, domain);
	case SPF_EXP:
	case SPF_INCLUDE:
	case SPF_REDIRECT:
	case SPF_OTHER:
		break;
	}
	return false;
}

static bool
asks(const struct spf_term *term)
{
	return term->kind != SPF_ALL && term->kind != SPF_IP4 && term->kind != SPF_IP6;
}

static SPF_dns_rr_t *
reply_records(
	SPF_dns_server_t *dns, const char *name, ns_type type, const struct cm_dns_answer *answer)
{
	SPF_dns_rr_t *rr = reply(dns, name, type, answer == NULL ? HOST_NOT_FOUND : NETDB_SUCCESS);

	if (rr != NULL && answer != NULL)
		(type == ns_t_mx ? add_hosts : add_addresses)(rr, answer);
	return rr;
}

/* The term's question, once it is known that it may be asked. */
static SPF_dns_rr_t *
answer_term(struct spf_state *st, const struct spf_place *p, SPF_dns_server_t *dns,
	const char *name, ns_type type)
{
	char domain[SPF_NAME_SIZE];

	p->frame->last = (unsigned)(p->term - p->frame->terms);
	if (asks(p->term) && !spf_term_begin(st))
		return reply(dns, name, type, TRY_AGAIN);
	spf_term_domain(st, p->frame, p->term, domain);
	if (!spf_alias_compares(st, p->term))
		return matches(st, p, domain) ? reply_yes(dns, name, type)
					      : reply(dns, name, type, HOST_NOT_FOUND);
	return reply_records(dns, name, type,
		type == ns_t_mx ? spf_ask_hosts(st, p->frame, domain)
				: spf_ask_addresses(st, domain));
}

static SPF_dns_rr_t *
lookup(SPF_dns_server_t *dns, const char *name, ns_type type, int should_cache)
{
	struct spf_state *st = dns->hook;
	struct spf_place place;
	SPF_dns_rr_t *rr;

	(void)should_cache;
	if (st->stopped || !spf_alias_find(st, name, &place))
		return reply(dns, name, type, TRY_AGAIN);
	rr = place.host == 0 ? answer_term(st, &place, dns, name, type)
			     : reply_records(dns, name, type,
				       spf_ask_host(st, place.frame, place.host - 1));
	if (rr != NULL && st->stopped)
		rr->herrno = TRY_AGAIN;
	return rr;
}

/* --- records and explanations ------------------------------------------------------------------
 */

static SPF_errcode_t
compile(struct spf_state *st, const struct spf_frame *frame, SPF_server_t *server,
	SPF_response_t *response, SPF_record_t **record)
{
	char text[SPF_ALIAS_TEXT];
	SPF_errcode_t err;

	spf_alias_record(st, frame, text);
	err = SPF_record_compile(server, response, record, text);
	if (err != SPF_E_SUCCESS)
		spf_stop(st, SPF_TEMPERROR, "libspf2 failed: %.100s", SPF_strerror(err));
	return err;
}

/* An include or a redirect: the library has made its alias the current domain. */
static SPF_errcode_t
get_spf(SPF_server_t *server, SPF_request_t *request, SPF_response_t *response,
	SPF_record_t **record)
{
	struct spf_state *st = server->resolver->hook;
	struct spf_frame *next;
	struct spf_place place;

	*record = NULL;
	if (st->stopped || !spf_alias_find(st, request->cur_dom, &place))
		return SPF_E_DNS_ERROR;
	if (place.term->kind == SPF_INCLUDE)
		place.frame->last = (unsigned)(place.term - place.frame->terms);
	next = spf_follow(st, place.frame, place.term);
	return next == NULL ? SPF_E_DNS_ERROR : compile(st, next, server, response, record);
}

/*
 * Called for each record on the way, fetched for none: the alias in *text becomes the explanation,
 * and after all what stands there is the one that counts.
 */
static SPF_errcode_t
get_exp(SPF_server_t *server, const char *domain, char **text, size_t *size)
{
	(void)server;
	(void)domain;
	(void)text;
	(void)size;
	return SPF_E_SUCCESS;
}

/* --- a run ---------------------------------------------------------------------------------------
 */

static const struct {
	SPF_result_t theirs;
	enum spf_code ours;
} results[] = {
	{SPF_RESULT_FAIL, SPF_FAIL},
	{SPF_RESULT_NEUTRAL, SPF_NEUTRAL},
	{SPF_RESULT_PASS, SPF_PASS},
	{SPF_RESULT_SOFTFAIL, SPF_SOFTFAIL},
};

static void
take_result(struct spf_state *st, SPF_response_t *response, const struct spf_term **exp)
{
	const struct spf_frame *top = &st->frames[st->top];
	struct spf_result *result = st->result;
	const char *explanation = SPF_response_get_explanation(response);
	const struct spf_term *matched = &top->terms[top->last];
	struct spf_place place;

	for (size_t i = 0; !st->stopped && i < sizeof(results) / sizeof(*results); i++) {
		if (results[i].theirs != SPF_response_result(response))
			continue;
		result->code = results[i].ours;
		if (SPF_response_reason(response) == SPF_REASON_MECH)
			spf_show(result->mechanism, sizeof(result->mechanism), matched->text,
				matched->len);
		if (result->code == SPF_FAIL && explanation != NULL &&
			spf_alias_find(st, explanation, &place))
			*exp = place.term;
		return;
	}
	spf_stop(st, SPF_TEMPERROR, "libspf2 failed: %.100s",
		SPF_strerror(SPF_response_errcode(response)));
}

static void
set_client(SPF_request_t *request, const struct spf_client *client)
{
	struct in6_addr six;
	struct in_addr four;

	memcpy(&six, client->address, sizeof(six));
	memcpy(&four, client->address, sizeof(four));
	if (client->six)
		SPF_request_set_ipv6(request, six);
	else
		SPF_request_set_ipv4(request, four);
}

static void
interpret(struct spf_state *st, SPF_server_t *server, SPF_request_t *request,
	const struct spf_term **exp)
{
	SPF_response_t *response = SPF_response_new(request);
	SPF_record_t *record = NULL;
	char name[SPF_ALIAS_SIZE];

	spf_alias_top(name);
	set_client(request, &st->client);
	request->cur_dom = name;
	if (response != NULL &&
		compile(st, &st->frames[0], server, response, &record) == SPF_E_SUCCESS) {
		/* Not SPF_request_query_mailfrom(): it lets 127.0.0.0/8 pass. */
		response->spf_record_exp = record;
		SPF_record_interpret(record, request, response, 0);
		take_result(st, response, exp);
	}
	request->cur_dom = NULL;
	if (record != NULL)
		SPF_record_free(record);
	if (response != NULL)
		SPF_response_free(response);
}

/* This thread's; NULL: no memory, or no thread-specific data. */
static struct thread *
this_thread(void)
{
	struct thread *thread;

	pthread_once(&prepared, prepare);
	thread = usable ? pthread_getspecific(key) : NULL;
	if (!usable || thread != NULL)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (thread == NULL || pthread_setspecific(key, thread) != 0) {
		free(thread);
		return NULL;
	}
	thread->dns = (SPF_dns_server_t){
		.lookup = lookup, .get_spf = get_spf, .get_exp = get_exp, .name = "terms"};
	return thread;
}

static void
run(struct thread *thread, struct spf_state *st, const struct spf_term **exp)
{
	SPF_request_t *request;

	if (thread->server == NULL)
		thread->server = SPF_server_new_dns(&thread->dns, 0);
	request = thread->server == NULL ? NULL : SPF_request_new(thread->server);
	if (request == NULL)
		return;
	interpret(st, thread->server, request, exp);
	SPF_request_free(request);
}

/* False: the library gave up. */
static bool
run_to_end(struct thread *thread, struct spf_state *st, const struct spf_term **exp)
{
	jmp_buf back;

	thread->back = &back;
	if (setjmp(back) != 0)
		return false;
	run(thread, st, exp);
	return true;
}

void
spf_lib_run(struct spf_state *st, const struct spf_term **exp)
{
	struct thread *thread = this_thread();

	*exp = NULL;
	if (thread == NULL) {
		spf_stop(st, SPF_TEMPERROR, "libspf2 cannot be used: no memory for this thread");
		return;
	}
	thread->dns.hook = st;
	if (!run_to_end(thread, st, exp)) {
		/* What it holds is lost (some kilobytes, and no memory): it may be half made. */
		thread->server = NULL;
		spf_stop(st, SPF_TEMPERROR, "libspf2 gave up");
	}
	thread->back = NULL;
	thread->dns.hook = NULL;
	if (st->result->code == SPF_NONE)
		spf_stop(st, SPF_TEMPERROR, "libspf2 has no memory");
}
