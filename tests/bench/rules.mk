# SPDX-License-Identifier: MIT
# Programs of the benchmark: the load client and the filter that does nothing.

LOAD_OBJ := $(B)/tests/bench/load.o $(MTA_OBJ)
NOOP_OBJ := $(B)/tests/bench/noop.o

$(B)/tests/bench/%.o: tests/bench/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/load: $(LOAD_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/noop: $(NOOP_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lmilter

-include $(LOAD_OBJ:.o=.d) $(NOOP_OBJ:.o=.d)
