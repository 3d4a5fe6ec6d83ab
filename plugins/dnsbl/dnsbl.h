/* SPDX-License-Identifier: MIT */
/*
 * dnsbl.h - what the parts of plugin dnsbl share
 *
 * A line of `zones` is a rule: what is asked of which list, and what an entry means. A finding is
 * what a rule found for one message. Data goes from settings to rules, to findings, to a decision.
 */
#ifndef PLUGINS_DNSBL_DNSBL_H
#define PLUGINS_DNSBL_DNSBL_H

#include <chainmail/plugin.h>
#include <pthread.h>

#define DNSBL_QUESTION_SIZE 256u
#define DNSBL_ENTRY_SIZE    256u
#define DNSBL_NAME_MOST	    200u
#define DNSBL_CODES_MOST    16u
#define DNSBL_WEIGHT_MOST   1000

/* From the harshest. SCORE: its weight counts, and the threshold decides. */
enum dnsbl_action {
	DNSBL_REJECT,
	DNSBL_TEMPFAIL,
	DNSBL_TAG,
	DNSBL_ACCEPT,
	DNSBL_ALLOW,
	DNSBL_SCORE
};

/* What became of a question. */
enum dnsbl_outcome {
	DNSBL_NOT_ASKED,
	DNSBL_SUSPENDED,
	DNSBL_CLEAN,
	/* Not answered, whatever came. */
	DNSBL_SILENT,
	DNSBL_REFUSES,
	DNSBL_NONSENSE,
	DNSBL_NO_ENTRY,
	DNSBL_LISTS_ALL,
	DNSBL_LISTED
};

/* What a list can be asked about; in the order of the dialogue. */
struct dnsbl_subject {
	const char *name;  /* in `about` */
	const char *reply; /* where a rule has no text */
	enum cm_stage known;
	const char *(*get)(const struct cm_session *); /* an address or a name; NULL: none */
	bool address;
};

#define DNSBL_SUBJECTS 4u

/* Addresses that a list may answer with: 127.0.0.2-11. */
struct dnsbl_codes {
	unsigned char low[4], high[4];
};

/* A zone, and how it does; whatever number of rules ask it. */
struct dnsbl_list {
	const char *zone;
	const char *own_test;		 /* that a line of it names; NULL: none */
	char test[DNSBL_QUESTION_SIZE];	 /* must be listed; "": there is no such entry */
	char never[DNSBL_QUESTION_SIZE]; /* must not be listed */
	/* Under the lock of struct dnsbl. */
	unsigned unanswered; /* messages in a row */
	int64_t until;	     /* end of its suspension, cm_clock(); 0: it is asked */
	bool on_trial;	     /* asked, but nobody knows yet that it works again */
};

struct dnsbl_rule {
	char *line; /* its texts may stand in it */
	const char *zone, *text, *test;
	struct dnsbl_list *list;
	struct dnsbl_codes codes[DNSBL_CODES_MOST];
	size_t code_count; /* 0: any code */
	unsigned about;	   /* bit per subject */
	int action;
	int64_t weight;
};

/* What start() makes of the settings. */
struct dnsbl {
	pthread_mutex_t lock; /* protects how all lists do */
	size_t rule_count, list_count;
	struct dnsbl_rule *rules;
	struct dnsbl_list *lists;
	int action;	   /* of the threshold */
	int64_t threshold; /* 0: none */
};

enum dnsbl_unanswered { DNSBL_UNANSWERED_ACCEPT, DNSBL_UNANSWERED_TEMPFAIL };

struct dnsbl_config {
	const char *zone, *text, *test, *header;
	struct cm_list zones, codes, about;
	int action, unanswered;
	int64_t threshold;
	struct cm_skip skip;
	struct dnsbl *lists;
};

struct dnsbl_finding {
	enum dnsbl_outcome outcome;
	const struct dnsbl_subject *subject;
	const char *what; /* address or name that was looked for */
	const char *code; /* LISTED: 127.0.0.2 */
	char question[DNSBL_QUESTION_SIZE];
};

struct dnsbl_decision {
	enum dnsbl_action action; /* ACCEPT: none */
	size_t by;		  /* the rule */
	int64_t weight;
};

/* dnsbl_question.c: what is asked */
extern const struct dnsbl_subject dnsbl_subjects[DNSBL_SUBJECTS];
/* The name to ask for; false where there is none. */
bool
dnsbl_question(char out[DNSBL_QUESTION_SIZE], const char *what, bool address, const char *zone);
/* For an entry that filter.conf names: an address, or any name. */
bool dnsbl_test_question(char out[DNSBL_QUESTION_SIZE], const char *what, const char *zone);
/* The list of a rule, and its test entries (RFC 5782 section 5). */
void dnsbl_list_init(struct dnsbl_list *, const struct dnsbl_rule *);
/* An entry that filter.conf names, or "no". */
void dnsbl_list_set_test(struct dnsbl_list *, const char *test);

/* dnsbl_rule.c: what stands in filter.conf */
bool dnsbl_check_zone(const char *, char *why, size_t why_size);
bool dnsbl_check_code(const char *, char *why, size_t why_size);
bool dnsbl_check_about(const char *, char *why, size_t why_size);
bool dnsbl_check_test(const char *, char *why, size_t why_size);
bool dnsbl_check_header(const char *, char *why, size_t why_size);
bool dnsbl_check_line(const char *, char *why, size_t why_size);
/* Of one item; the text has passed its check. */
void dnsbl_add_code(struct dnsbl_rule *, const char *);
void dnsbl_add_about(struct dnsbl_rule *, const char *);
/* Reads a line over what rule holds; false for what does not pass, or without memory. */
bool dnsbl_rule_parse(struct dnsbl_rule *, const char *line, char *why, size_t why_size);

/* dnsbl_start.c */
bool dnsbl_start(void *config, char *why, size_t why_size);
void dnsbl_stop(void *config);

/* dnsbl_judge.c: what answers mean */
bool dnsbl_unanswered(enum dnsbl_outcome);
/* rule NULL: whatever the code. *code is that of an entry. */
enum dnsbl_outcome
dnsbl_judge(const struct cm_dns_answer *, const struct dnsbl_rule *, const char **code);
/* What all rules together mean. */
struct dnsbl_decision dnsbl_decide(const struct dnsbl *, const struct dnsbl_finding *);

/* dnsbl_list.c: how the lists do */
bool dnsbl_list_asked(struct dnsbl *, const struct dnsbl_list *);
/* Whether its suspension has ended: true for one of the sessions that ask at once. */
bool dnsbl_list_begin_retry(struct cm_session *, struct dnsbl *, struct dnsbl_list *);
/* Tests it then. */
void dnsbl_list_retry(struct cm_session *, struct dnsbl *, struct dnsbl_list *);
void dnsbl_list_begin_test(struct cm_session *, const struct dnsbl_list *);
/* Asks for its test entries; one that fails is suspended, and the log says so once. */
void dnsbl_list_test(struct cm_session *, struct dnsbl *, struct dnsbl_list *);
/* What a message heard of it. */
void dnsbl_list_note(struct cm_session *, struct dnsbl *, struct dnsbl_list *, enum dnsbl_outcome);

/* dnsbl_result.c: what a message leaves behind */
/* How the lists did; true: every one that was asked answered. */
bool dnsbl_note_lists(struct cm_session *, struct dnsbl *, const struct dnsbl_finding *);
void dnsbl_publish(struct cm_session *, const struct dnsbl *, const struct dnsbl_finding *,
	const struct dnsbl_decision *);

/* dnsbl_text.c: what people read */
bool dnsbl_check_text(const char *, char *why, size_t why_size);
/* The reply for an entry; asks for the list's own text where it is wanted. */
void dnsbl_reply_text(struct cm_session *, const struct dnsbl_rule *, const struct dnsbl_finding *,
	char *out, size_t size);
/* "bl.example.org=127.0.0.2" */
void
dnsbl_entry(const struct dnsbl_rule *, const struct dnsbl_finding *, char out[DNSBL_ENTRY_SIZE]);
/* "7.113.0.203.bl.example.org A: no such name (cache, 212 s left)", for each question, from the
 * worst; of those that do not fit how many there are */
void dnsbl_explain(struct cm_session *, const struct dnsbl *, const struct dnsbl_finding *);

#endif
