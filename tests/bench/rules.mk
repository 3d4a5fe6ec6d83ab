# SPDX-License-Identifier: MIT
# Programs of the benchmark: clients that play MTAs, and the filter that does nothing.

BENCH_CLIENTS := $(B)/tests/load $(B)/tests/idle $(B)/tests/burst
LOAD_PARTS := load_corpus load_options load_outcome load_player load_smtp load_times
BENCH_OBJ := $(patsubst $(B)/tests/%,$(B)/tests/bench/%.o,$(BENCH_CLIENTS) $(B)/tests/noop) \
	$(patsubst %,$(B)/tests/bench/%.o,crypto dkim dns $(LOAD_PARTS) lua spf store)

$(B)/tests/bench/%.o: tests/bench/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/load: $(patsubst %,$(B)/tests/bench/%.o,$(LOAD_PARTS))
$(BENCH_CLIENTS): $(B)/tests/%: $(B)/tests/bench/%.o $(MTA_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/noop: $(B)/tests/bench/noop.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lmilter

$(B)/tests/bench_dns: $(B)/tests/bench/dns.o $(CORE_LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(WHOLE) $(LIBS)

bench-record bench-state: $(BENCH_CLIENTS)

$(B)/tests/bench_crypto: $(B)/tests/bench/crypto.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcrypto

bench-peers: $(BENCH_CLIENTS) $(B)/tests/bench_crypto $(B)/tests/noop $(B)/tests/hostile_dns

bench-dns: $(BENCH_CLIENTS) $(B)/tests/bench_dns $(B)/tests/hostile_dns

$(B)/tests/bench_dkim: $(B)/tests/bench/dkim.o $(CORE_LIB) $(SHARED)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(WHOLE) $(SHARED_LIBS) $(PART_LIBS) $(LIBS)

$(B)/tests/bench_dkim_sign: $(B)/tests/bench/dkim_sign.o $(CORE_LIB) $(SHARED)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(WHOLE) $(SHARED_LIBS) $(PART_LIBS) $(LIBS)

$(B)/tests/bench/lua.o: CPPFLAGS += $(LUA_CFLAGS)
$(B)/tests/bench_lua: $(B)/tests/bench/lua.o $(CORE_LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(WHOLE) $(LIBS)

bench-lua: $(BENCH_CLIENTS) $(B)/tests/bench_lua $(B)/tests/plugins/empty.so

$(B)/tests/bench_spf: $(B)/tests/bench/spf.o $(CORE_LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(WHOLE) $(PART_LIBS) $(LIBS)

$(B)/tests/bench_store: $(B)/tests/bench/store.o $(CORE_LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(WHOLE) $(LIBS)

bench: $(BENCH_CLIENTS) $(B)/tests/hostile_dns $(B)/tests/noop $(B)/tests/plugins/slow.so $(B)/tests/bench_dkim \
	$(B)/tests/bench_dkim_sign

-include $(BENCH_OBJ:.o=.d)
