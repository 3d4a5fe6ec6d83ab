# SPDX-License-Identifier: MIT
# Programs that play the MTA: the runner of transcripts, the test of the client itself, a small filter.

MTA_OBJ := $(patsubst %,$(B)/tests/smtp/%.o,mta mta_answer mta_macros mta_terms mta_wire)
TRANSCRIPT_OBJ := $(patsubst %,$(B)/tests/smtp/%.o,daemon expect logfile play script transcript word) $(MTA_OBJ)
TEST_MTA_OBJ := $(B)/tests/smtp/test_mta.o $(MTA_OBJ)
TEST_DAEMON_OBJ := $(B)/tests/smtp/test_daemon.o $(B)/tests/smtp/expect.o $(B)/tests/smtp/logfile.o $(MTA_OBJ)
STORM_OBJ := $(patsubst %,$(B)/tests/smtp/%.o,daemon expect logfile storm) $(MTA_OBJ)
SELFTEST_FILTER_OBJ := $(B)/tests/smtp/selftest_filter.o

$(B)/tests/smtp/%.o: tests/smtp/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/transcript: $(TRANSCRIPT_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/test_mta: $(TEST_MTA_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/test_daemon: $(TEST_DAEMON_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/storm: $(STORM_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/selftest_filter: $(SELFTEST_FILTER_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lmilter

# The C library declares accept4() in a way of its own.
$(B)/tests/faults.so: tests/smtp/faults.c
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) -D_GNU_SOURCE $(filter-out -fPIE -fvisibility=hidden -Wpedantic,$(CFLAGS)) -fPIC -shared -o $@ $< -ldl

# Unit tests that start daemons and play their MTAs; they have nothing of the core.
$(patsubst %,$(B)/tests/unit/test_%,script_waiting store_daemons): $(B)/tests/unit/%: $(B)/tests/unit/%.o \
	$(patsubst %,$(B)/tests/smtp/%.o,daemon expect logfile) $(MTA_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS)

# One that reads what they keep, too; of the core it takes what reads that.
$(B)/tests/unit/test_record_daemon: $(patsubst %,$(B)/tests/%.o,unit/test_record_daemon smtp/daemon smtp/expect smtp/logfile) \
	$(MTA_OBJ) $(CORE_LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)

check-transcripts: $(B)/tests/faults.so $(B)/tests/transcript $(B)/tests/storm $(B)/tests/test_daemon $(B)/tests/test_mta $(B)/tests/selftest_filter

-include $(TRANSCRIPT_OBJ:.o=.d) $(STORM_OBJ:.o=.d) $(TEST_DAEMON_OBJ:.o=.d) $(TEST_MTA_OBJ:.o=.d) $(SELFTEST_FILTER_OBJ:.o=.d)
