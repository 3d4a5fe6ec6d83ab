# Chainmail: everything is built into $(B); nothing needs to be installed to run.

B      ?= build
CC     ?= cc
PREFIX ?= /usr/local
# /usr and /usr/local share the machine's /etc; any other PREFIX keeps its configuration below itself.
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),,$(PREFIX))/etc/chainmail
LIBDIR ?= $(PREFIX)/lib/chainmail
DATADIR ?= $(PREFIX)/share/chainmail
VERSION := 0.1.0

# make V=1 shows every command.
Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1) $@")

# Extra flags of a variant build: make B=build/asan SAN="-fsanitize=address,undefined"
SAN ?=

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wvla
HARDEN = -fstack-protector-strong -fPIE -fno-plt $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT ?= -O2 -g
# Expanded only in recipes, after `make deps` may have installed pkg-config and the libraries.
LUA_CFLAGS = $(shell pkg-config --cflags lua5.4)
LUA_LIBS = $(shell pkg-config --libs lua5.4)
# Only its headers: the daemon loads it where a rule wants it. Of what is loaded later the leak sanitizer misreads
# the thread-local storage, and crashes; so sanitized programs have it from their beginning.
MIME_CFLAGS = $(shell pkg-config --cflags gmime-3.0)
MIME_LIBS = $(if $(SAN),$(shell pkg-config --libs gmime-3.0))
CHECK_CFLAGS = $(shell pkg-config --cflags check)
CHECK_LIBS = $(shell pkg-config --libs check)

CPPFLAGS += -D_GNU_SOURCE -Iinclude -Icore -DCHAINMAIL_VERSION='"$(VERSION)"'
# For the few files that say where an installed daemon looks.
PLACE_DEFS = -DCHAINMAIL_PLUGIN_DIR='"$(LIBDIR)"' -DCHAINMAIL_CONFIG='"$(SYSCONFDIR)/filter.conf"' \
	-DCHAINMAIL_LUA_DIR='"$(DATADIR)/lua"'
CFLAGS += -std=c11 $(OPT) $(WARN) $(HARDEN) -fvisibility=hidden -pthread $(SAN) $(EXTRA_CFLAGS)
LDFLAGS += -pie -pthread -rdynamic -Wl,-z,relro,-z,now $(SAN)
LIBS = -lhiredis -llmdb -lmilter -lunbound -lresolv -ljansson -lmaxminddb -lpcre2-8 -llua5.4-lpeg $(LUA_LIBS) $(MIME_LIBS) -lminizip -lz -ldl -lm

CORE := $(sort $(wildcard core/*/*.c))
CORE_OBJ := $(CORE:%.c=$(B)/obj/%.o)
MAIN_OBJ := $(B)/obj/core/main.o
PLUGINS := $(patsubst plugins/%.c,$(B)/plugins/%.so,$(wildcard plugins/*.c))
# A plugin that is more than one file has the others in a directory of its name, and there, in the
# file libs, what it is linked with.
PARTS := $(patsubst %.c,$(B)/obj/%.o,$(sort $(filter-out plugins/lib/%,$(wildcard plugins/*/*.c))))
# What several plugins use is an archive: each is linked with what it takes of it, and no more.
SHARED_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard plugins/lib/*.c)))
SHARED = $(B)/plugins.a
SHARED_LIBS = $(SHARED) -Wl,--as-needed -lcrypto -lidn2 -Wl,--no-as-needed
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
TEST_PLUGINS := $(patsubst tests/unit/plugins/%.c,$(B)/tests/plugins/%.so,\
	$(wildcard tests/unit/plugins/*.c)) $(B)/tests/plugins/skeleton.so
CONFORMANCE := $(B)/tests/conformance/arc $(B)/tests/conformance/dkim $(B)/tests/conformance/dkim_sign $(B)/tests/conformance/dmarc $(B)/tests/conformance/spf
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
DOC_FILES := docs/chainmail-lua.7 docs/chainmail.8 docs/filter.conf.5
SOURCES := $(wildcard include/chainmail/*.h core/*.c core/*/*.[ch] plugins/*.c plugins/*/*.[ch] docs/*.c \
	$(patsubst %,tests/%/*.[ch],bench conformance dns fuzz smtp unit) tests/unit/plugins/*.c)

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

# $(call need_root,WHY): ends a target at once where the user is not root.
need_root = @[ "$$(id -u)" = 0 ] || { echo "make $@ needs root: $(1)" >&2; exit 1; }
PRIVATE_SERVER = it starts a private mail server, whose parts run as several users

##@ Targets
help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

deps: ## install the Debian packages that building, testing and the demo need (root)
	@sh tests/deps.sh build demo test

all: $(B)/chainmail $(PLUGINS) ## build the daemon and the plugins
	@:

# The server that make demo shows: postfix or sendmail.
MTA ?= postfix

demo: ## show it on a private Postfix: eight messages and what became of them (root)
	$(call need_root,$(PRIVATE_SERVER))
	@sh tests/deps.sh build demo $(if $(filter sendmail,$(MTA)),test)
	@$(MAKE) --no-print-directory all
	@bash tests/e2e/demo.sh $(B) $(MTA)

run: ## serve filter.conf.example in the foreground
	@sh tests/deps.sh build
	@$(MAKE) --no-print-directory all
	$(B)/chainmail serve --config filter.conf.example

test: ## everything: unit tests, transcripts, miltertest, end to end with Postfix and Sendmail (root)
	$(call need_root,$(PRIVATE_SERVER); make check needs no root)
	@sh tests/deps.sh build demo test
	@$(MAKE) --no-print-directory -j$$(nproc) check
	@$(MAKE) --no-print-directory check-docs check-install check-lua check-uninstall check-miltertest
	@$(MAKE) --no-print-directory check-recursion
	@$(MAKE) --no-print-directory check-e2e check-demo

check: check-unit check-rules check-transcripts check-conformance ## unit tests, rules, transcripts, suites: no root, no network, no MTA

check-unit: all $(UNIT) $(TEST_PLUGINS)
	@sh tests/unit/run.sh $(B) $(UNIT)

check-rules: all
	@$(B)/chainmail test scripts

check-transcripts: all $(B)/tests/transcript
	@sh tests/smtp/run.sh $(B)
	@sh tests/smtp/kept.sh $(B)

# A suite in openspf's YAML format.
SPF_SUITE ?= ../shared/conformance/spf-openspf/rfc7208-tests.yml
# Vectors of the public suffix list.
PSL_SUITE ?= ../shared/conformance/psl/tests/tests.txt
# A suite in ValiMail's YAML format.
ARC_SUITE ?= ../shared/conformance/arc-valimail/tests/arc-draft-validation-tests.yml
# The directory tests/data of dkimpy.
DKIM_SUITE ?= ../shared/conformance/dkim-dkimpy

conformance: all $(CONFORMANCE) ## the cases of suites: SPF_SUITE=FILE, DKIM_SUITE=DIRECTORY, ARC_SUITE=FILE, PSL_SUITE=FILE
	@sh tests/conformance/run.sh $(B) suite $(SPF_SUITE)
	@sh tests/conformance/run.sh $(B) dkim $(DKIM_SUITE)
	@sh tests/conformance/run.sh $(B) arc $(ARC_SUITE)
	@sh tests/conformance/run.sh $(B) psl $(PSL_SUITE)

check-conformance: conformance
	@sh tests/conformance/run.sh $(B) diff
	@sh tests/conformance/run.sh $(B) dkim-diff
	@sh tests/conformance/run.sh $(B) dmarc
	@sh tests/conformance/run.sh $(B) arc-peer
	@sh tests/conformance/run.sh $(B) dkim-ours

check-docs: all $(B)/tests/load
	@bash tests/docs.sh $(B)
	@bash docs/generate.sh --check $(B)

check-install:
	@bash tests/install.sh $(B)

.PHONY: check-lua
check-lua: all
	@bash tests/lua.sh $(B)

check-miltertest: all
	@bash tests/e2e/miltertest.sh $(B)

check-e2e: all
	@bash tests/e2e/run.sh $(B)

.PHONY: check-demo check-uninstall
check-demo: all
	@bash tests/e2e/demo_test.sh $(B)

check-uninstall:
	@bash tests/uninstall.sh $(B)

check-asan: ## unit tests and transcripts under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory check B=$(B)/asan OPT="-O1 -g" \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

# The suites hold single checks against others; nothing of them runs in threads.
check-tsan: ## unit tests and transcripts, many clients at once, under the thread sanitizer
	@$(MAKE) --no-print-directory check-unit check-rules check-transcripts B=$(B)/tsan OPT="-O1 -g" SAN="-fsanitize=thread"

# Where all is built anew anyway, with gcc, the warnings of that build will do: LINT_B=build.
LINT_B ?= $(B)/gcc-lint
lint: ## rooms, sizes, headers, names; warnings of gcc and clang
	@sh tests/deps.sh build lint
	@sh tests/lint.sh
	@$(MAKE) --no-print-directory lint-build B=$(LINT_B) CC=gcc EXTRA_CFLAGS=-Werror
	+@$(CLANG_BUILD) lint-build fuzz-build

# Everything that is C.
lint-build: all $(UNIT) $(TEST_PLUGINS) $(patsubst %,$(B)/tests/%,transcript test_mta selftest_filter load noop bench_dkim_sign bench_dns hostile_dns bench_lua bench_spf bench_store conformance/dmarc conformance/spf conformance/arc bench_dkim conformance/dkim conformance/dkim_sign)

format: ## let clang-format lay out every file
	@clang-format -i $(SOURCES)

format-check: ## fail where clang-format would change something
	@sh tests/deps.sh lint
	@clang-format --dry-run -Werror $(SOURCES)

soak: all ## six minutes: 1,000 reloads, 50 drains and 100 kills under load behind a real Postfix (root)
	@E2E_RELOADS=1000 E2E_DRAINS=50 E2E_KILLS=100 E2E_SECONDS=900 \
		bash tests/e2e/run.sh $(B) --mta postfix --engine native reload drain crash

bench: all ## throughput, CPU, idle sessions and bursts beside a no-op libmilter filter; then bench-state, bench-dkim, bench-dkim-sign
	@bash tests/bench/run.sh $(B)
	@bash tests/bench/state.sh $(B)
	@$(B)/tests/bench_dkim
	@$(B)/tests/bench_dkim_sign

bench-state: all ## a chain with rate limit and greylist beside the same chain without, in each store
	@bash tests/bench/state.sh $(B)

bench-record: all ## what keeping sessions costs beside the same chain without
	@bash tests/bench/record.sh $(B)

bench-dkim: $(B)/tests/bench_dkim ## what verifying a DKIM signature costs beside OpenSSL alone, keys known
	@$(B)/tests/bench_dkim

bench-dkim-sign: $(B)/tests/bench_dkim_sign ## what a DKIM signature costs beside OpenSSL alone
	@$(B)/tests/bench_dkim_sign

bench-dns: all ## the same beside DNS servers that are slow or silent, and the resolver alone
	@bash tests/bench/dns.sh $(B)

bench-lua: all ## what a hook in Lua costs beside one in C, and what states and open sessions hold
	@bash tests/bench/lua.sh $(B)

bench-peers: all ## throughput, CPU and memory beside rspamd and opendkim with opendmarc, alone and behind Postfix (root, some eight minutes)
	$(call need_root,it makes namespaces and starts a private Postfix)
	@bash tests/bench/peers.sh $(B)

bench-spf: $(B)/tests/bench_spf ## what an SPF check costs beside libspf2 alone, with all answers known
	@$(B)/tests/bench_spf

bench-store: $(B)/tests/bench_store ## what a step of a limit costs in each store (STORE_KEYS=N: among so many keys; STORE_REDIS=SERVER: in that one)
	@$(B)/tests/bench_store

FUZZ_SECONDS ?= 60
# One build for the warnings of clang and for fuzzing; + in its recipes, for make sees no $(MAKE) there.
CLANG_BUILD = $(MAKE) --no-print-directory B=$(B)/fuzz CC=clang OPT="-O1 -g" EXTRA_CFLAGS=-Werror \
	SAN="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all"
fuzz: ## run each fuzz target for FUZZ_SECONDS (60)
	@sh tests/deps.sh build lint
	+@$(CLANG_BUILD) fuzz-build
	@sh tests/fuzz/run.sh $(B)/fuzz $(FUZZ_SECONDS) $(FUZZ)

fuzz-check: ## run each fuzz target on its kept corpus and for 5 more seconds
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=5

fuzz-merge: ## keep in tests/fuzz/corpus what the runs of fuzz found
	@sh tests/deps.sh build lint
	+@$(CLANG_BUILD) fuzz-build
	@sh tests/fuzz/run.sh --merge $(B)/fuzz $(FUZZ)

fuzz-build: all $(patsubst %,$(B)/tests/fuzz/fuzz_%,$(FUZZ))

docs: all ## write the generated tables, manual pages and editor files
	@sh docs/generate.sh $(B)

# Directories of this project alone; uninstall removes them when they are empty, and no others.
OWN_DIRS = $(LIBDIR) $(DATADIR)/scripts $(DATADIR)/lua $(DATADIR) $(PREFIX)/include/chainmail \
	$(SYSCONFDIR)
SHARED_DIRS = $(PREFIX)/sbin $(PREFIX)/share/man/man5 $(PREFIX)/share/man/man7 $(PREFIX)/share/man/man8

# The manual pages are written for the default places.
PLACES = -e 's,/etc/chainmail,$(SYSCONFDIR),g' -e 's,/usr/local/lib/chainmail,$(LIBDIR),g' \
	-e 's,/usr/local/share/chainmail,$(DATADIR),g' -e 's,/usr/local/sbin,$(PREFIX)/sbin,g'

# mkdir, for install -d would change the mode of directories that are there.
install: all ## install below PREFIX
	umask 022 && mkdir -p $(addprefix $(DESTDIR),$(OWN_DIRS) $(SHARED_DIRS))
	install -m 755 $(B)/chainmail $(DESTDIR)$(PREFIX)/sbin/chainmail
	install -m 644 $(PLUGINS) $(DESTDIR)$(LIBDIR)
	install -m 644 include/chainmail/plugin.h $(DESTDIR)$(PREFIX)/include/chainmail
	install -m 644 $(wildcard scripts/*.lua) $(DESTDIR)$(DATADIR)/scripts
	install -m 644 docs/chainmail.d.lua $(DESTDIR)$(DATADIR)/lua
	install -m 644 filter.conf.example $(DESTDIR)$(DATADIR)
	umask 022 && sed $(PLACES) docs/filter.conf.5 >$(DESTDIR)$(PREFIX)/share/man/man5/filter.conf.5
	umask 022 && sed $(PLACES) docs/chainmail-lua.7 >$(DESTDIR)$(PREFIX)/share/man/man7/chainmail-lua.7
	umask 022 && sed $(PLACES) docs/chainmail.8 >$(DESTDIR)$(PREFIX)/share/man/man8/chainmail.8

uninstall: ## remove what install put there; your configuration stays
	rm -f $(DESTDIR)$(PREFIX)/sbin/chainmail $(DESTDIR)$(PREFIX)/include/chainmail/plugin.h \
		$(DESTDIR)$(PREFIX)/share/man/man5/filter.conf.5 \
		$(DESTDIR)$(PREFIX)/share/man/man7/chainmail-lua.7 \
		$(DESTDIR)$(PREFIX)/share/man/man8/chainmail.8
	rm -f $(patsubst $(B)/plugins/%,$(DESTDIR)$(LIBDIR)/%,$(PLUGINS)) \
		$(patsubst %,$(DESTDIR)$(DATADIR)/%,$(wildcard scripts/*.lua) lua/chainmail.d.lua \
			filter.conf.example)
	@for dir in $(addprefix $(DESTDIR),$(OWN_DIRS)); do \
		[ ! -d "$$dir" ] || rmdir "$$dir" 2>/dev/null || echo "stays, for it is not empty: $$dir"; \
	done

clean: ## remove the build directory
	rm -rf $(B)

# --- rules ----------------------------------------------------------------------------------------

# All of the core but main(); linked whole, for plugins may ask for any of its services. The commands of DKIM
# take from what plugins share.
CORE_LIB = $(B)/core.a
WHOLE = -Wl,--whole-archive $(CORE_LIB) -Wl,--no-whole-archive $(SHARED_LIBS)

# Asked once, before anything is compiled.
$(B)/toolchain: MODULES = gmime-3.0 lua5.4 lua5.4-lpeg libpcre2-8
$(B)/toolchain-tests: MODULES = gmime-3.0 lua5.4 lua5.4-lpeg libpcre2-8 check
$(B)/toolchain $(B)/toolchain-tests:
	@mkdir -p $(@D)
	@sh tests/toolchain.sh "$(CC)" $(MODULES) && touch $@

$(CORE_OBJ) $(MAIN_OBJ) $(PARTS) $(SHARED_OBJ) $(PLUGINS) $(TEST_PLUGINS): | $(B)/toolchain
$(UNIT:=.o) $(B)/tests/unit/published.o: | $(B)/toolchain-tests

$(CORE_LIB): $(CORE_OBJ) $(SHARED)
	$(call say,AR  )
	$(Q)rm -f $@ && ar crs $@ $(CORE_OBJ)

$(SHARED): $(SHARED_OBJ)
	$(call say,AR  )
	$(Q)rm -f $@ && ar crs $@ $^

$(B)/chainmail: $(MAIN_OBJ) $(CORE_LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(WHOLE) $(LIBS)

$(B)/obj/core/host/script%.o: EXTRA_CPP = $(LUA_CFLAGS)
$(B)/obj/core/service/mime_field.o $(B)/obj/core/service/mime_gmime.o: EXTRA_CPP = $(MIME_CFLAGS)
$(B)/obj/core/cli/dkim.o: EXTRA_CPP = -Iplugins

# What runs inside Redis, as octets in C.
REDIS_LUA := $(patsubst core/service/%,$(B)/gen/%.inc,$(wildcard core/service/store_redis_*.lua))

$(B)/obj/core/service/store_redis_script.o: EXTRA_CPP = -I$(B)/gen
$(B)/obj/core/service/store_redis_script.o: $(REDIS_LUA)

$(B)/gen/%.lua.inc: core/service/%.lua
	@mkdir -p $(@D)
	$(Q)od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' >$@

# What is compiled anew when it changes: all with other flags, and where an installed daemon looks what says so.
$(B)/flags: TEXT = $(CC) $(CPPFLAGS) $(CFLAGS)
$(B)/flags.places: TEXT = $(PLACE_DEFS)
say-text = printf '%s\n' '$(subst ','\'',$(TEXT))'

$(B)/flags $(B)/flags.places: FORCE
	@mkdir -p $(@D)
	@$(say-text) | cmp -s - $@ || $(say-text) >$@

PLACE_OBJ = $(filter $(B)/obj/core/cli/%,$(CORE_OBJ)) $(B)/obj/core/host/plugin.o $(B)/tests/unit/test_cli.o
$(PLACE_OBJ): private CPPFLAGS += $(PLACE_DEFS)
$(PLACE_OBJ): $(B)/flags.places

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(EXTRA_CPP) $(CFLAGS) -MMD -MP -c -o $@ $<

# A plugin sees the public header and nothing of the core.
PLUGIN_CC = $(CC) -D_GNU_SOURCE -Iinclude $(filter-out -fPIE,$(CFLAGS)) -fPIC
PLUGIN_BUILD = $(PLUGIN_CC) -shared -Wl,-z,relro,-z,now -MMD -MP -o $@ $< $(filter %.o,$^) $(SHARED_LIBS) $(PART_LIBS)
# In a recipe: what the parts of plugins among its prerequisites are linked with.
PART_LIBS = $(foreach libs,$(wildcard $(sort $(patsubst $(B)/obj/%,%libs,$(dir $(filter $(PARTS),$^))))),$(shell cat $(libs)))

$(B)/obj/plugins/%.o: plugins/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(PLUGIN_CC) -MMD -MP -c -o $@ $<

$(foreach part,$(PARTS),$(eval $(patsubst $(B)/obj/%/,$(B)/%,$(dir $(part))).so: $(part)))

$(B)/plugins/%.so: plugins/%.c $(SHARED) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(PLUGIN_BUILD)

$(B)/tests/plugins/%.so: tests/unit/plugins/%.c $(SHARED) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(PLUGIN_BUILD)

$(B)/tests/plugins/skeleton.so: docs/skeleton.c $(SHARED) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(PLUGIN_BUILD)

$(B)/tests/unit/%.o: tests/unit/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(LUA_CFLAGS) $(CHECK_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Pure functions of a plugin are tested without the plugin.
$(filter $(B)/tests/unit/test_dkim%,$(UNIT)) $(patsubst %,$(B)/tests/%,bench_dkim bench_dkim_sign conformance/dkim conformance/dkim_sign fuzz/fuzz_dkim fuzz/fuzz_dkim_table): \
	$(filter $(B)/obj/plugins/dkim/%,$(PARTS))
$(B)/tests/unit/test_greylist_rules: $(filter $(B)/obj/plugins/greylist/%,$(PARTS))
$(B)/tests/unit/test_dnsbl_rules $(B)/tests/fuzz/fuzz_lists: $(filter $(B)/obj/plugins/dnsbl/%,$(PARTS))
$(B)/tests/unit/test_ratelimit_rules: $(filter $(B)/obj/plugins/ratelimit/%,$(PARTS))
# Their stores and maps, which can be away, stand in front of the core's.
$(B)/tests/unit/test_dmarc_away $(B)/tests/unit/test_greylist_away $(B)/tests/unit/test_ratelimit_away $(B)/tests/unit/test_service_skip: LDFLAGS += -Wl,-z,muldefs
$(filter $(B)/tests/unit/test_arc_%,$(UNIT)) $(patsubst %,$(B)/tests/%,conformance/arc fuzz/fuzz_arc): \
	$(filter $(B)/obj/plugins/arc/% $(B)/obj/plugins/arc_seal/%,$(PARTS))
$(filter $(B)/tests/unit/test_spf_%,$(UNIT)) $(patsubst %,$(B)/tests/%,bench_spf conformance/spf fuzz/fuzz_spf): \
	$(filter $(B)/obj/plugins/spf/%,$(PARTS))
$(filter $(B)/tests/unit/test_dmarc_%,$(UNIT)) $(patsubst %,$(B)/tests/%,conformance/dmarc fuzz/fuzz_dmarc_record fuzz/fuzz_from): \
	$(filter $(B)/obj/plugins/dmarc/%,$(PARTS))

# Each result that a plugin publishes there is looked up in the plugin's table.
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/tests/unit/published.o $(CORE_LIB) $(SHARED)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=session_set_result -o $@ $(filter %.o,$^) $(WHOLE) $(PART_LIBS) $(CHECK_LIBS) $(LIBS)

$(B)/tests/fuzz/%: tests/fuzz/%.c $(CORE_LIB) $(SHARED)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(CPPFLAGS) $(LUA_CFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< \
		$(filter %.o,$^) $(WHOLE) $(PART_LIBS) $(LIBS)

# Others use the client of smtp, so it goes first.
-include $(patsubst %,tests/%/rules.mk,smtp bench conformance dns)
-include $(CORE_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(PARTS:.o=.d) $(SHARED_OBJ:.o=.d) $(PLUGINS:.so=.d) $(UNIT:=.d) $(B)/tests/unit/published.d $(TEST_PLUGINS:.so=.d) \
	$(patsubst %,$(B)/tests/fuzz/fuzz_%.d,$(FUZZ))

.PHONY: FORCE help deps all demo run test check check-unit check-transcripts check-conformance conformance check-docs check-install \
	check-miltertest check-e2e check-asan check-tsan lint lint-build format format-check soak bench bench-dkim bench-dkim-sign bench-dns bench-lua bench-peers bench-record bench-spf bench-state bench-store fuzz fuzz-build \
	docs install uninstall clean
