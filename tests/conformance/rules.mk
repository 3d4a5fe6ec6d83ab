# SPDX-License-Identifier: MIT
# Checks that others wrote, and other implementations, against which ours are held.

$(CONFORMANCE): $(B)/tests/conformance/%: $(B)/tests/conformance/%.o $(CORE_LIB) $(SHARED)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(WHOLE) $(SHARED_LIBS) $(PART_LIBS) $(LIBS)

$(B)/tests/conformance/%.o: tests/conformance/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(CONFORMANCE:=.d)
