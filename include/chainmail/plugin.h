/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - the whole world of a Chainmail plugin
 *
 * A plugin is one shared object that exports one symbol, `const struct cm_plugin cm_plugin`. The
 * host reads that table, fills the plugin's settings from filter.conf, and calls its hooks as an
 * SMTP conversation goes on. A hook looks at the event and the session, may queue edits, publish
 * results and set a reply, and returns a verdict. It never talks to the MTA.
 *
 * Rules that hold everywhere:
 *  - Hooks of one session never overlap, but each may run on another thread. Keep nothing in
 *    thread-local or unlocked global storage.
 *  - A pointer that the host returns belongs to the host. Unless said otherwise it lives until the
 *    message ends (connection facts: until the connection ends). Strings end in NUL and hold none.
 *  - Strings passed to the host are borrowed for the call and copied where they are kept.
 *  - No hook may end the process. A hook that cannot tell returns CM_FAILED and the administrator's
 *    on_error decides.
 *  - The ABI grows only by appending to structs and enums. A plugin built against an older, shorter
 *    struct cm_plugin loads (what it lacks is zero); a newer CM_ABI is refused by name.
 */
#ifndef CHAINMAIL_PLUGIN_H
#define CHAINMAIL_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Version of this interface; struct cm_plugin.abi says which one a plugin was written for. */
#define CM_ABI 1u

#define CM_API		__attribute__((visibility("default")))
#define CM_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* --- stages, verdicts, events ------------------------------------------------------------- */

/* The steps of an SMTP conversation, in its order (RFC 5321; header to eom follow DATA). */
enum cm_stage {
	CM_STAGE_CONNECT, /* client connected */
	CM_STAGE_HELO,	  /* HELO or EHLO */
	CM_STAGE_MAIL,	  /* MAIL FROM: login, TLS and envelope sender are known */
	CM_STAGE_RCPT,	  /* RCPT TO: once per recipient */
	CM_STAGE_DATA,	  /* DATA: all recipients are known */
	CM_STAGE_HEADER,  /* one header field */
	CM_STAGE_EOH,	  /* end of the header section */
	CM_STAGE_BODY,	  /* one chunk of the body */
	CM_STAGE_EOM,	  /* end of message */
	CM_STAGE_UNKNOWN, /* a command the MTA does not know */
	CM_STAGE_COUNT
};

/* A set of stages. */
#define CM_AT(stage) (UINT32_C(1) << (stage))

enum cm_verdict {
	CM_CONTINUE, /* no opinion; the normal answer */
	CM_ACCEPT,   /* no later link looks at this scope (connection, message, recipient) */
	CM_REJECT,   /* refuse for good; the reply is cm_reply()'s 5yz or 550 5.7.1 */
	CM_TEMPFAIL, /* refuse for now; the reply is cm_reply()'s 4yz or 451 4.7.1 */
	CM_DISCARD,  /* pretend to accept and drop; at RCPT this recipient alone */
	CM_DONE,     /* this link wants no more events of this scope */
	CM_FAILED    /* "I could not tell": the link's on_error decides */
};

/* How sure the host is of a fact that the MTA may or may not have told. */
enum cm_known {
	CM_KNOWN,      /* the value is there */
	CM_NONE,       /* the MTA says there is none (not logged in, no such key) */
	CM_UNDELIVERED /* the MTA never delivers it, or the source is broken: never read it as "no"
			*/
};

/* An SMTP path (RFC 5321 section 4.1.2) or a mailbox of a header field (RFC 5322 section 3.4). */
struct cm_address {
	const char *text;   /* as received, with its angle brackets if it had any; a '?' for each
			       control character (and then not valid) */
	const char *addr;   /* user@domain, domain in lower case; "" for the null sender. Without
			       comments, blanks, route and needless quotes, as an MTA takes it */
	const char *user;   /* local part, quotes removed; "" for the null sender */
	const char *domain; /* lower case, no trailing dot; "" where there is none */
	bool null;	    /* <> */
	bool valid;	    /* false: not an address; addr, user and domain are best effort */
	bool unclear;	    /* nor can be told which mailbox an MTA takes it for */
};

struct cm_event {
	enum cm_stage stage;
	const char *name;  /* connect: client name; helo: its argument (both with '?' for control
			      characters); header: field name; unknown: the command line */
	const char *value; /* header: field value as received, folding included */
	const struct cm_address *address; /* mail, rcpt */
	const char *const *args;	  /* mail, rcpt: ESMTP parameters, ends in NULL */
	const unsigned char *data;	  /* body: the chunk (may hold NUL) */
	size_t len;			  /* body: octets in data */
	bool rejected; /* rcpt: the MTA refused it already; the verdict does not count. Its reason
			  is in {rcpt_host} (status) and {rcpt_addr} (text). */
	bool glued;    /* header: no blank stood between the colon and value; else one did, or the
			  MTA does not tell. Known where CM_NEED_BLANKS was declared */
};

struct cm_session;
typedef enum cm_verdict cm_hook(struct cm_session *, const struct cm_event *);

/* --- settings ------------------------------------------------------------------------------ */

struct cm_store;    /* a named store of filter.conf */
struct cm_networks; /* a set of addresses and CIDR networks */
struct cm_map;	    /* a named map of filter.conf */

struct cm_list {
	size_t count;
	const char *const *items;
};

struct cm_numbers {
	size_t count;
	const int64_t *items;
};

struct cm_rate {
	int64_t count;
	int64_t period_us;
};

struct cm_rates {
	size_t count;
	const struct cm_rate *items;
};

/* Type of a setting, and what stands at struct cm_option.offset of the settings struct. */
enum cm_option_type {
	CM_OPT_BOOL,	 /* bool: yes, no */
	CM_OPT_CHOICE,	 /* int: index into choices */
	CM_OPT_DURATION, /* int64_t microseconds: 1h30min */
	CM_OPT_INT,	 /* int64_t */
	CM_OPT_LIST,	 /* struct cm_list */
	CM_OPT_MAP,	 /* const struct cm_map *, NULL when not set */
	CM_OPT_MODE,	 /* int64_t file mode in octal: 0660 */
	CM_OPT_NETWORKS, /* const struct cm_networks *, NULL when not set */
	CM_OPT_NUMBERS,	 /* struct cm_numbers */
	CM_OPT_PATH,	 /* const char *; relative names start at the configuration's directory */
	CM_OPT_PERCENT,	 /* int64_t hundredths of a percent: 10% is 1000 */
	CM_OPT_RATE,	 /* struct cm_rate: 100/1h */
	CM_OPT_SIZE,	 /* int64_t octets: 50M */
	CM_OPT_SOCKET,	 /* const char *: unix:PATH, inet:PORT@HOST, inet6:PORT@HOST */
	CM_OPT_STRING,	 /* const char *, NULL when not set and without default */
	CM_OPT_TIME,	 /* int64_t seconds since 1970: "2026-12-31 08:00" local time */
	CM_OPT_RATES,	 /* struct cm_rates: 100/1h, or a list of them */
	CM_OPT_STORE	 /* const struct cm_store *; not set: the only store there is */
};

enum {
	CM_OPT_REQUIRED = 1u << 0,  /* configuration is refused without it */
	CM_OPT_NO_DEFAULT = 1u << 1 /* CM_OPT_STORE: NULL when not set */
};

/* One setting: a row. Manual pages, `chainmail config help` and the checks are made from it. */
struct cm_option {
	const char *name;
	enum cm_option_type type;
	size_t offset;		/* into the settings struct */
	const char *fallback;	/* default, written as in filter.conf; NULL: none (zero) */
	const char *choices;	/* CM_OPT_CHOICE: "enforce|shadow|off"; CM_OPT_MAP: the match that
				   the map must have, "exact" or "cidr"; NULL: any */
	const char *help;	/* one line */
	unsigned flags;		/* CM_OPT_REQUIRED */
	int64_t min, max;	/* numbers; both 0: no bounds */
	const char *since;	/* version that brought it */
	const char *renamed_to; /* a deprecated name: accepted with a warning */
	/*
	 * NULL, or what a CM_OPT_STRING, each item of a CM_OPT_LIST and each value of a CM_OPT_MAP
	 * must pass, also after the map's file has changed (then on any thread). On false, the text
	 * in why (why_size octets) is shown at its place.
	 */
	bool (*check)(const char *text, char *why, size_t why_size);
};

/* --- the descriptor ------------------------------------------------------------------------ */

/* What a link needs; edit rights are asked of the MTA, kept parts of the host. */
enum {
	CM_NEED_HEADERS = 1u << 0,    /* cm_header() and friends work from eoh on */
	CM_NEED_BODY = 1u << 1,	      /* cm_body() works at eom */
	CM_EDIT_HEADERS = 1u << 2,    /* add, insert, set, remove header fields */
	CM_EDIT_RCPTS = 1u << 3,      /* add and drop recipients; discard at RCPT */
	CM_EDIT_SENDER = 1u << 4,     /* cm_set_sender() */
	CM_EDIT_BODY = 1u << 5,	      /* cm_replace_body() */
	CM_EDIT_QUARANTINE = 1u << 6, /* cm_quarantine() */
	CM_STOP_EARLY = 1u << 7,     /* a refusal at data, header, eoh or body must reach the MTA at
					once; else it is given at end of message, which saves waits */
	CM_AFTER_ACCEPT = 1u << 8,   /* runs although an earlier link accepted (signing, marking) */
	CM_NEED_SIZE = 1u << 9,	     /* cm_size() works: header and body are sent, kept by nobody */
	CM_SEES_REJECTED = 1u << 10, /* rcpt also for recipients that the MTA itself refused */
	CM_NEED_BLANKS = 1u << 11    /* glued is told of header fields: for signatures, to which
					a blank matters */
};

/* A macro that a link reads and the stage from which it must be known. */
struct cm_macro {
	enum cm_stage stage;
	const char *name; /* as the MTA spells it: "i", "{auth_authen}" */
};

/*
 * What people may ask of a plugin while the daemon runs: `chainmail NOUN NAME [OPERAND] ...
 * [--OPTION VALUE] ...`. It is run for each link of that plugin, in a session of no client, beside
 * the mail; with --link NAME, which every command has, for that one.
 */
struct cm_command {
	const char *name;     /* "show" */
	const char *operands; /* "KEY", "[TEXT]" where it may be left out, "WORD ..." for one and
				 more, "in|out" in small letters for one of these; NULL: it takes
				 none. The host refuses what is not so. */
	const char *help;     /* one line */
	bool changes;	      /* for root and main.admins alone */
	/*
	 * Answers with cm_row(). False: it could not, and cm_complain() or cm_decline() has said
	 * why.
	 */
	bool (*run)(struct cm_session *, size_t count, const char *const *operands);
	/*
	 * Its options, as those of settings: --NAME VALUE, of CM_OPT_BOOL --NAME alone. The host
	 * reads them into args_size octets, with their defaults, and cm_args() finds them. Types
	 * of one value alone, and nothing that filter.conf names (maps, stores).
	 */
	const struct cm_option *options;
	uint32_t option_count;
	uint32_t option_size; /* sizeof(struct cm_option) */
	size_t args_size;
};

/* A result that a plugin publishes: a row. */
struct cm_published {
	const char *key;   /* as in cm_set_result(). "#": 1, 2 and so on. "*": others, too, that
			      nobody knows beforehand, such as names of lists or of limits */
	const char *words; /* what it can be: "pass|fail|none"; NULL: any text */
	const char *help;  /* one line */
};

struct cm_plugin {
	uint32_t abi;	  /* CM_ABI */
	uint32_t size;	  /* sizeof(struct cm_plugin) */
	const char *name; /* type name in filter.conf: lower case, digits, underscore */
	const char *help; /* one line: what it checks */
	const struct cm_option *options;
	uint32_t option_count;
	uint32_t option_size; /* sizeof(struct cm_option) */
	size_t config_size;   /* the settings struct; the host allocates, zeroes and fills it */
	size_t conn_size;     /* state per connection; zeroed by the host */
	size_t msg_size;      /* state per message; zeroed by the host */
	uint32_t needs;	      /* CM_NEED_*, CM_EDIT_*, ... */
	uint32_t macro_count;
	const struct cm_macro *macros;
	const char *const
		*after; /* plugin types that must run earlier where both run; ends in NULL */

	/*
	 * After the settings of one instance were read, before the first hook. Checks what a row
	 * cannot say and may build tables. On false, the text in why (why_size octets) is shown at
	 * the section's position.
	 */
	bool (*start)(void *config, char *why, size_t why_size);
	void (*stop)(void *config); /* releases what start took; only after a successful start */

	cm_hook *connect, *helo, *mail, *rcpt, *data, *header, *eoh, *body, *eom, *unknown;

	/* Ends of scopes, for links that hold something the arenas cannot release. Rare. */
	void (*end_msg)(struct cm_session *);
	void (*end_conn)(struct cm_session *);

	/*
	 * Once, when the daemon begins to use this configuration, beside the first mail: asks
	 * whether what the link depends on is there (a DNS list answers), and logs what is not. The
	 * session is of no client; settings, DNS, log and clock work. Rare.
	 */
	void (*probe)(struct cm_session *);

	const char *noun; /* of its commands: "limit"; NULL: it has none */
	const struct cm_command *commands;
	uint32_t command_count;
	uint32_t command_size; /* sizeof(struct cm_command) */

	/*
	 * After start: those of needs that an instance with these settings has; the others are not
	 * asked for on its account. NULL: all. Rare.
	 */
	uint32_t (*needs_of)(const void *config);

	/*
	 * What rules in Lua may ask of it, for each plugin that the host has such a function for:
	 * greylist(m, { delay = "5min" }). Runs as a hook of the link does, in the hook of the rule
	 * (cm_stage(); the event is the rule's), also where no chain names the link: then there is
	 * nothing in conn and msg but what it puts there itself. CM_CONTINUE, or a refusal which
	 * the rule may return, with cm_reply() and cm_reason(). CM_FAILED with cm_reason() is an
	 * error of the rule. options: ask_size octets, filled by ask_options (numbers, durations,
	 * sizes, choices, text).
	 */
	enum cm_verdict (*ask)(struct cm_session *, const struct cm_event *, const void *options);
	const struct cm_option *ask_options;
	uint32_t ask_option_count; /* of option_size octets each */
	uint32_t ask_size;

	/*
	 * Publishes the results of the message that cm_results_due() announced. Called when
	 * somebody reads one, in the hook and the time of whoever reads. Those that may wait are
	 * called at the end of the message at the latest, if nobody refused it, and may ask for
	 * edits; the others are not called where nobody reads. Rare.
	 */
	void (*results)(struct cm_session *);

	/*
	 * After start: bits CM_AT(stage) of stages where an instance with these settings has hooks
	 * and no verdict: the mail server need not wait there on its account. A failure there is
	 * given at the end of the message. NULL: none. Rare.
	 */
	uint32_t (*silent_at)(const void *config);

	/*
	 * All results that it publishes: a rule that reads another one has a mistake. Editors, the
	 * manual and `chainmail config help` are told from it. NULL: it does not say, and rules may
	 * read any name.
	 */
	const struct cm_published *published;
	uint32_t published_count;
	uint32_t published_size; /* sizeof(struct cm_published) */

	/*
	 * After start: whether an instance with these settings adds to messages what those before
	 * it made of them, such as a signature, and publishes what it finds only of others. Behind
	 * another of its type it may stand last: who uses their results has them from that one.
	 * NULL: no. Rare.
	 */
	bool (*adds)(const void *config);
};

/* --- settings and state of the running link ------------------------------------------------- */

/* The settings struct of the running link. */
CM_API const void *cm_config(const struct cm_session *);
/* The link's own state, conn_size and msg_size octets; msg is NULL outside a message. */
CM_API void *cm_conn(struct cm_session *);
CM_API void *cm_msg(struct cm_session *);
/* Zeroed memory until the connection or the message ends (before MAIL: until the next HELO); never
   NULL. */
CM_API void *cm_conn_alloc(struct cm_session *, size_t);
CM_API void *cm_msg_alloc(struct cm_session *, size_t);
/* The link's name in filter.conf. */
CM_API const char *cm_link_name(const struct cm_session *);
/*
 * The link is only watched for this message: neither its verdict nor its edits change anything.
 * Before MAIL nobody knows whether a message is in the sample of the link (`sample = 10%`): false.
 */
CM_API bool cm_shadow(const struct cm_session *);

/* --- facts of the session ------------------------------------------------------------------- */

struct cm_client {
	const char *ip;	  /* canonical text; "" for a local (unix) client */
	const char *name; /* verified host name; "unknown" where the MTA has none */
	const char *ptr;  /* unverified reverse name; NULL when not told */
	unsigned port;	  /* 0 when not told */
};

struct cm_server {
	const char *name;   /* MTA's host name (j); NULL when not told */
	const char *ip;	    /* address the client reached; NULL when not told */
	const char *daemon; /* MTA's name for the listener ({daemon_name}); NULL when not told */
	unsigned port;	    /* {daemon_port}; 0 when not told */
};

struct cm_auth {
	const char *user;   /* {auth_authen} */
	const char *method; /* {auth_type}; NULL when not told */
};

struct cm_tls {
	const char *version;	  /* {tls_version} */
	const char *cipher;	  /* {cipher}; NULL when not told */
	unsigned bits;		  /* {cipher_bits}; 0 when not told */
	const char *cert_subject; /* {cert_subject}; NULL when not told */
};

CM_API const struct cm_client *cm_client(const struct cm_session *);
CM_API const struct cm_server *cm_server(const struct cm_session *);
/* CM_NONE: not logged in. CM_UNDELIVERED: this MTA does not send {auth_authen}. From MAIL on. */
CM_API enum cm_known cm_auth(const struct cm_session *, const struct cm_auth **);
/* CM_NONE: plain text. CM_UNDELIVERED: this MTA does not send {tls_version}. From MAIL on. */
CM_API enum cm_known cm_tls(const struct cm_session *, const struct cm_tls **);
/*
 * Latest value of an MTA macro ("i", "{mail_addr}"). It lives until the MTA tells the macros of
 * that stage anew: those of a recipient until the next one.
 */
CM_API enum cm_known cm_macro(const struct cm_session *, const char *name, const char **value);
/* The client is inside the set; false for local clients and a NULL set. */
CM_API bool cm_client_in(const struct cm_session *, const struct cm_networks *);
/* The client is inside main.trusted_networks. */
CM_API bool cm_client_trusted(const struct cm_session *);
CM_API const char *cm_helo(const struct cm_session *); /* NULL before HELO; until the next one */
/* NULL outside a message. */
CM_API const struct cm_address *cm_sender(const struct cm_session *);
/* Recipients accepted so far, in their order; i counts from 0. */
CM_API size_t cm_rcpt_count(const struct cm_session *);
CM_API const struct cm_address *cm_rcpt(const struct cm_session *, size_t i);
/* Our id of the message (of the connection before MAIL); in every log line and refusal. */
CM_API const char *cm_id(const struct cm_session *);
/* The MTA's queue id; NULL before it is known (Postfix: first accepted recipient). */
CM_API const char *cm_queue_id(const struct cm_session *);
/* Octets of header and body received so far; -1 where CM_NEED_SIZE was not declared. */
CM_API int64_t cm_size(const struct cm_session *);
CM_API enum cm_stage cm_stage(const struct cm_session *);

/* --- the message (links that declared CM_NEED_HEADERS, CM_NEED_BODY) ---------------------------
 */

struct cm_header {
	const char *name;  /* as received */
	const char *value; /* as received, folding included, without one blank behind the colon */
};

struct cm_from {
	size_t count; /* mailboxes of all From: fields, groups flattened */
	const struct cm_address *items;
	const char
		*problem; /* NULL, or why the field breaks RFC 5322 (none, several, unparsable) */
};

CM_API size_t cm_header_count(const struct cm_session *);
CM_API const struct cm_header *cm_header_at(const struct cm_session *, size_t i);
/* No blank stood behind its colon, for links that declared CM_NEED_BLANKS. */
CM_API bool cm_header_glued(const struct cm_session *, size_t i);
/* The n-th field of that name (from 1, any case), value as received; NULL when there is none. */
CM_API const char *cm_header(const struct cm_session *, const char *name, size_t n);
/* The From: field, parsed strictly once per message. Never NULL; from eoh on. */
CM_API const struct cm_from *cm_from(struct cm_session *);
/* The kept body; false when none was kept (not declared, or over max_message_size). */
CM_API bool cm_body(const struct cm_session *, const unsigned char **, size_t *);

/* --- replies and edits ------------------------------------------------------------------------ */

/*
 * The reply that goes with the verdict this hook is about to return (RFC 5321, 3463). code is 4yz
 * or 5yz, status "4.y.z" or "5.y.z" of the same class; line breaks in the text make a multi-line
 * reply. Control and non-ASCII octets are replaced, '%' is kept safe, over-long text is cut; " (id
 * ...)" is appended. False, and logged, for a code and status that do not fit; a reply whose class
 * does not fit the verdict makes the link fail.
 */
CM_API bool cm_reply(struct cm_session *, int code, const char *status, const char *format, ...)
	CM_PRINTF(4, 5);
/* Why, for the log and the trace only. */
CM_API void cm_reason(struct cm_session *, const char *format, ...) CM_PRINTF(2, 3);
/*
 * Somebody reads why a link had no opinion: chainmail explain, or the section record. A reason that
 * costs much to put together is left out where nobody does; that of a verdict never is.
 */
CM_API bool cm_explained(const struct cm_session *);

/*
 * Edits may be asked for at any stage. They are queued and applied once, at end of message, in one
 * order: body, sender, recipients, header changes from the highest index down, inserts, adds.
 * Indexes mean "as received". A shadow link's edits are recorded and not applied. False, and
 * logged, for a name, value or address that could not stand in a message, or a right not declared.
 */
CM_API bool cm_add_header(struct cm_session *, const char *name, const char *value);
/* index 0: above everything, our own MTA's Received: included. */
CM_API bool cm_insert_header(struct cm_session *, int index, const char *name, const char *value);
/* The n-th field of that name, from 1; a field that is not there is added. */
CM_API bool cm_set_header(struct cm_session *, const char *name, size_t n, const char *value);
/* n 0: all fields of that name. */
CM_API bool cm_remove_header(struct cm_session *, const char *name, size_t n);
/* Puts text in front of the Subject: (adds the field where there is none); not twice. */
CM_API bool cm_prefix_subject(struct cm_session *, const char *text);
CM_API bool cm_add_rcpt(struct cm_session *, const char *address);
CM_API bool cm_drop_rcpt(struct cm_session *, const char *address);
CM_API bool cm_set_sender(struct cm_session *, const char *address); /* "" is the null sender */
CM_API bool cm_replace_body(struct cm_session *, const void *, size_t);
/*
 * Whether what links have asked for so far changes a field of that name, or adds one (name NULL:
 * the body): who signs must know. Links behind this one may still ask.
 */
CM_API bool cm_edited(const struct cm_session *, const char *name);
/* Ask the MTA to hold the message; the final verdict must be to continue or to accept. */
CM_API bool cm_quarantine(struct cm_session *, const char *reason);

struct cm_outgoing_field {
	const char *name, *value; /* as in struct cm_header */
	bool glued;		  /* no blank stands behind the colon */
};

/* The message as the MTA will send it, with the edits that were asked for so far. */
struct cm_outgoing {
	size_t count;
	const struct cm_outgoing_field
		*fields;	    /* in their order, without the MTA's own Received: */
	const struct cm_from *from; /* never NULL */
	const unsigned char *body;  /* replaced by an edit; its lines may end in LF; NULL: it is as
				       it came */
	size_t body_len;
};

/*
 * For links that sign. At eom, with CM_NEED_HEADERS: the edits of links that run before this one,
 * its own included; those of links behind it are not known yet. NULL at other stages.
 */
CM_API const struct cm_outgoing *cm_outgoing(struct cm_session *);

/* What the MTA was told in the end, for end_msg and a rule's done(). */
struct cm_final {
	enum cm_verdict verdict; /* CM_CONTINUE when the message was abandoned without an answer */
	int code;		 /* 0 without a reply */
	const char *status, *text; /* NULL without a reply */
	const char *by;		   /* link that decided; NULL: none */
	enum cm_stage stage;	   /* where; rcpt: the latest recipient that was refused */
	size_t rejected; /* recipients refused for good, not by the MTA; at rcpt: so far */
};

CM_API const struct cm_final *cm_final(const struct cm_session *);

/* --- results, notes, maps, log, clock -----------------------------------------------------------
 */

/*
 * Publishes a result under this link's type name ("spf"): later links, rules and the log read it.
 * A row of the plugin's table `published` tells of the key, and of the words.
 */
CM_API void cm_set_result(struct cm_session *, const char *key, const char *value);
/*
 * Results of this link are published by its function `results`, when somebody else than this type
 * reads one before the message ends. may_wait: that asks DNS or a store. May be called any number
 * of times.
 */
CM_API void cm_results_due(struct cm_session *, bool may_wait);
/* Whoever reads a result of the plugin now may wait for it. */
CM_API bool cm_results_wait(const struct cm_session *, const char *plugin);
/* A result of this message, or of the connection; NULL when the plugin published none. */
CM_API const char *cm_result(const struct cm_session *, const char *plugin, const char *key);
/*
 * A note of this message (at HELO: until the next HELO; before: of the connection), shared by all
 * links; NULL deletes it. A 257th name is ignored and the log says so.
 */
CM_API void cm_set_note(struct cm_session *, const char *key, const char *value);
CM_API const char *cm_note(const struct cm_session *, const char *key);

/*
 * Looks a key up: an address for a cidr map, else text (case is ignored). CM_NONE: no such key.
 * CM_UNDELIVERED: the map could not be read. value lives as long as the message.
 */
CM_API enum cm_known
cm_map_get(struct cm_session *, const struct cm_map *, const char *key, const char **value);
/* The map of filter.conf with that name in the running configuration; NULL: none. */
CM_API const struct cm_map *cm_map_find(const struct cm_session *, const char *name);

/*
 * Whom a check leaves alone: settings that many have, and which then are called and mean the same.
 * A settings struct has a struct cm_skip, the option table some of these rows, the table of macros
 * CM_SKIP_MACRO. What has no row stays zero, and skips nobody. at: offset of the struct cm_skip,
 * which does not grow, for it is inside of others.
 */
struct cm_skip {
	bool authenticated, trusted;
	const struct cm_networks *networks;
	const struct cm_map *clients, *recipients;
	const struct cm_map *senders, *senders_or_users; /* one of them: without and with user@ */
};

#define CM_SKIP_ROW(at, field, since_, type_, name_, ...)                                        \
	{                                                                                        \
		.name = "skip_" name_, .type = (type_),                                          \
		.offset = (at) + offsetof(struct cm_skip, field), .since = (since_), __VA_ARGS__ \
	}
#define CM_SKIP_AUTHENTICATED(at, since)                                                       \
	CM_SKIP_ROW(at, authenticated, since, CM_OPT_BOOL, "authenticated", .fallback = "yes", \
		.help = "not for clients that have logged in")
#define CM_SKIP_CLIENTS(at, since)                                                \
	CM_SKIP_ROW(at, clients, since, CM_OPT_MAP, "clients", .choices = "cidr", \
		.help = "not for clients of this map")
#define CM_SKIP_FOR(at, since)                                   \
	CM_SKIP_ROW(at, networks, since, CM_OPT_NETWORKS, "for", \
		.help = "not for these clients: addresses and networks")
#define CM_SKIP_RECIPIENTS(at, since)                                                    \
	CM_SKIP_ROW(at, recipients, since, CM_OPT_MAP, "recipients", .choices = "exact", \
		.help = "not for recipients of this map: address, @domain, domain or user@")
#define CM_SKIP_SENDERS(at, since)                                                 \
	CM_SKIP_ROW(at, senders, since, CM_OPT_MAP, "senders", .choices = "exact", \
		.help = "not for senders of this map: address, @domain, domain or <>")
#define CM_SKIP_SENDERS_OR_USERS(at, since)                                                 \
	CM_SKIP_ROW(at, senders_or_users, since, CM_OPT_MAP, "senders", .choices = "exact", \
		.help = "not for senders of this map: address, @domain, domain, user@ or <>")
#define CM_SKIP_TRUSTED(at, since)                                                 \
	CM_SKIP_ROW(at, trusted, since, CM_OPT_BOOL, "trusted", .fallback = "yes", \
		.help = "not for clients in main.trusted_networks")
#define CM_SKIP_MACRO                          \
	{                                      \
		CM_STAGE_MAIL, "{auth_authen}" \
	}

/*
 * Whether this link leaves the event alone. CM_KNOWN: why is what it is ("a trusted client", "a
 * login"). CM_UNDELIVERED: nobody can tell, and why is the sentence that says so. Local clients
 * always are left alone. rcpt: NULL but for a recipient. Before MAIL only the client is looked at.
 */
CM_API enum cm_known cm_skip(struct cm_session *, const struct cm_skip *,
	const struct cm_address *rcpt, const char **why);

enum cm_level { CM_LOG_ERROR, CM_LOG_WARN, CM_LOG_INFO, CM_LOG_DEBUG };

/* One log line; names session and link. Control characters are escaped. */
CM_API void cm_log(struct cm_session *, enum cm_level, const char *format, ...) CM_PRINTF(3, 4);
/* Seconds since 1970, and microseconds of a clock that never jumps. Virtual in tests. */
CM_API int64_t cm_time(const struct cm_session *);
CM_API int64_t cm_clock(const struct cm_session *);
/* When this hook must have answered, in cm_clock() microseconds. */
CM_API int64_t cm_deadline(const struct cm_session *);

/* --- DNS -------------------------------------------------------------------------------------- */

/* Types that can be asked for, by their numbers (RFC 1035 section 3.2.2, RFC 3596). */
enum cm_dns_type {
	CM_DNS_A = 1,
	CM_DNS_NS = 2,
	CM_DNS_CNAME = 5,
	CM_DNS_PTR = 12,
	CM_DNS_MX = 15,
	CM_DNS_TXT = 16,
	CM_DNS_AAAA = 28
};

enum cm_dns_status {
	CM_DNS_FOUND,	 /* there is at least one record */
	CM_DNS_NO_DATA,	 /* the name exists, and has no such record */
	CM_DNS_NO_NAME,	 /* no such name (NXDOMAIN) */
	CM_DNS_TIMEOUT,	 /* nobody answered in time */
	CM_DNS_SERVFAIL, /* the servers failed, or what they said made no sense */
	CM_DNS_REFUSED,	 /* the server does not answer us */
	CM_DNS_BOGUS,	 /* DNSSEC says that the answer is forged */
	CM_DNS_BAD_NAME, /* no such question can be asked: a label over 63 octets, a name over 253
			  */
	CM_DNS_CANCELLED /* nobody wants to know any more: the MTA hung up, or the daemon ends */
};

struct cm_dns_record {
	const char *text; /* A, AAAA: the address. CNAME, MX, NS, PTR: a name, in lower case,
			     without the last dot ("" is the root), odd octets as \DDD. TXT: its
			     strings, joined; may hold NUL */
	size_t len;	  /* octets in text */
	const unsigned char *address; /* A: 4 octets; AAAA: 16; else NULL */
	unsigned preference;	      /* MX */
};

struct cm_dns_answer {
	enum cm_dns_status status;
	const char *name; /* where the records stand: the name asked for, or behind its CNAMEs */
	size_t count;	  /* 0 unless CM_DNS_FOUND */
	const struct cm_dns_record *records; /* as the server ordered them */
	uint32_t ttl;			     /* seconds for which it still holds; 0: not kept */
	bool cached;			     /* it was known already: nobody was asked */
	bool secure;			     /* DNSSEC vouches for it */
};

/*
 * What DNS says, waiting for it if need be, but never so long that the hook could not answer before
 * cm_deadline(). A message asks each question once: asking again, at a later stage or by another
 * link, gives the same answer. Never NULL; lives as long as the message (before MAIL: until the
 * next HELO). The name is text, in any case, with or without a last dot; \DDD stands for an octet.
 */
CM_API const struct cm_dns_answer *cm_dns(struct cm_session *, const char *name, enum cm_dns_type);
/*
 * Begins to ask and does not wait. For what a later stage will need, and for several questions at
 * once: begin them all, then collect each with cm_dns().
 */
CM_API void cm_dns_begin(struct cm_session *, const char *name, enum cm_dns_type);
/*
 * The name below zone that stands for an address: "1.2.0.192.zone", for IPv6 32 nibbles (RFC 5782
 * section 2); zone NULL: below in-addr.arpa or ip6.arpa. False for what is no address, and for a
 * name that does not fit into out.
 */
CM_API bool cm_dns_reverse(const char *ip, const char *zone, char *out, size_t size);

/* --- Authentication-Results --------------------------------------------------------------------
 */

struct cm_auth_property {
	const char *type;  /* "smtp", "header", "policy" (RFC 8601 section 2.3) */
	const char *name;  /* "mailfrom" */
	const char *value; /* any text; quoted where need be */
};

/* One result of one method, as RFC 8601 section 2.2 calls them. */
struct cm_auth_result {
	const char *method;  /* "spf" */
	const char *result;  /* "softfail" */
	const char *comment; /* for people; NULL: none */
	const char *reason;  /* why, for programs; NULL: none */
	size_t count;
	const struct cm_auth_property *properties;
};

/*
 * Publishes what an Authentication-Results field may say. Copied; lives as long as a result
 * (cm_set_result()) of this stage. A link that says the same method and properties again
 * replaces what it said. Method, result and the names of properties are keywords (letters, digits,
 * inner hyphens): else it is ignored, and logged. So is a 65th; other texts are cut at 1024 octets.
 */
CM_API void cm_add_auth_result(struct cm_session *, const struct cm_auth_result *);
/* All of the connection and of the message, in the order of the chain; i counts from 0. */
CM_API size_t cm_auth_result_count(const struct cm_session *);
CM_API const struct cm_auth_result *cm_auth_result(const struct cm_session *, size_t i);
/* main.authserv_id, or the name of this host. */
CM_API const char *cm_authserv_id(const struct cm_session *);

/* --- state that lasts --------------------------------------------------------------------------
 */

enum cm_store_status {
	CM_STORE_OK,
	CM_STORE_NONE, /* no such key */
	CM_STORE_AWAY, /* no answer in time, no connection, a disk that refuses */
	CM_STORE_FULL  /* no room: nothing was changed */
};

/*
 * Keys are texts, shared by all who use the store; begin them with what they are for ("greylist/").
 * A time to live is in microseconds, 0 for ever. Each call is atomic, also between machines, and
 * waits no longer than the store's own time and cm_deadline().
 */
/* value lives as long as the message. */
CM_API enum cm_store_status cm_store_get(struct cm_session *, const struct cm_store *,
	const char *key, const void **value, size_t *len);
CM_API enum cm_store_status cm_store_set(struct cm_session *, const struct cm_store *,
	const char *key, const void *value, size_t len, int64_t ttl_us);
CM_API enum cm_store_status
cm_store_delete(struct cm_session *, const struct cm_store *, const char *key);
/* Adds to a counter that begins at 0 and ends ttl after that; value: what it is then. */
CM_API enum cm_store_status cm_store_add(struct cm_session *, const struct cm_store *,
	const char *key, int64_t delta, int64_t ttl_us, int64_t *value);
/*
 * Adds a member to a set, and says how many different ones it has had since its first, ttl ago at
 * most: exact up to 64, then within a few hundredths.
 */
CM_API enum cm_store_status cm_store_add_member(struct cm_session *, const struct cm_store *,
	const char *key, const char *member, int64_t ttl_us, int64_t *count);
/* Counts in this process's memory, for a store that is away. */
CM_API const struct cm_store *cm_store_fallback(const struct cm_store *);

#define CM_LIMIT_WINDOWS 8u
/* Of a window, and of what one step may cost. */
#define CM_LIMIT_COUNT_MOST INT64_C(1000000000)

/* count in period_us, and at most burst at once (0: count): a bucket that leaks. */
struct cm_limit_window {
	int64_t count, period_us, burst;
};

struct cm_limit {
	size_t windows; /* all of them take, or none does */
	struct cm_limit_window window[CM_LIMIT_WINDOWS];
	bool strict; /* what is refused counts as well: who does not stop is not let in */
};

/*
 * A message reserves what it may still take, which counts in full until the message is accepted
 * (commit: it begins to leak) or not (release: it was never there). A reservation that nobody ends
 * is forgotten after a quarter of an hour. Those of one minute (reserved_at / 60 s) are one: they
 * may be ended together.
 */
enum cm_limit_step { CM_LIMIT_LOOK, CM_LIMIT_RESERVE, CM_LIMIT_COMMIT, CM_LIMIT_RELEASE };

struct cm_limit_take {
	enum cm_limit_step step;
	int64_t cost;	     /* look, reserve: wanted; commit: what it was in the end */
	int64_t reserved;    /* commit, release: what reserve took, */
	int64_t reserved_at; /* and when it says that it did */
};

struct cm_limit_answer {
	bool ok;
	bool never;	     /* refused, and it will never fit: the cost is over a burst */
	size_t window;	     /* that refused; else the fullest */
	int64_t used;	     /* of that window, with this step where it was taken */
	int64_t limit;	     /* its burst */
	int64_t retry_us;    /* refused: when it will fit, if nobody else takes it */
	int64_t reserved_at; /* for commit and release */
};

CM_API enum cm_store_status
cm_store_limit(struct cm_session *, const struct cm_store *, const char *key,
	const struct cm_limit *, const struct cm_limit_take *, struct cm_limit_answer *);

/*
 * Shows every entry whose key begins with prefix, in no order, until show() returns false; for
 * commands. What comes and goes meanwhile may be shown or not, and, in a Redis server that grows,
 * twice. show() may use the store; what it takes from cm_msg_alloc() is gone when it returns.
 * CM_STORE_AWAY also when cm_deadline() comes first, or nobody wants the answer any more.
 */
CM_API enum cm_store_status
cm_store_each(struct cm_session *, const struct cm_store *, const char *prefix,
	bool (*show)(void *context, const char *key, const void *value, size_t len), void *context);

/* --- answers to commands -----------------------------------------------------------------------
 */

struct cm_cell {
	const char *name; /* heads the column: "used". "first_at": seconds since 1970, 0 for
			     never, shown as a date */
	const char *text; /* NULL: number is the value */
	int64_t number;
};

/* One row of the answer; the link's name is put in front. False: nobody reads it any more. */
CM_API bool cm_row(struct cm_session *, const struct cm_cell *, size_t count);
/* One line for people, who see the lines of an answer in place of its rows. */
CM_API void cm_say(struct cm_session *, const char *format, ...) CM_PRINTF(2, 3);
/* Why a command could not be done. */
CM_API void cm_complain(struct cm_session *, const char *format, ...) CM_PRINTF(2, 3);
/* Why it is not about this link: shown where it is about no other link either. */
CM_API void cm_decline(struct cm_session *, const char *format, ...) CM_PRINTF(2, 3);
/* The options of the running command, args_size octets; NULL outside of commands. */
CM_API const void *cm_args(const struct cm_session *);

/* --- waiting ---------------------------------------------------------------------------------- */

/*
 * Around a call of the plugin's own that may wait (a socket, a lock, a slow disk): another thread
 * serves other sessions meanwhile. They do not nest, and no service may be called between them.
 */
CM_API void cm_wait_begin(struct cm_session *);
CM_API void cm_wait_end(struct cm_session *);
/*
 * Keeps the client waiting for that many microseconds, at most until cm_deadline(), and nobody
 * else. False when it was less: the deadline came, or the MTA hung up.
 */
CM_API bool cm_pause(struct cm_session *, int64_t us);

/* The table that a plugin exports. */
extern CM_API const struct cm_plugin cm_plugin;

#endif
