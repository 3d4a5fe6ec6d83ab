# SPDX-License-Identifier: MIT
# The hostile DNS server, which unit tests start.

DNS_OBJ := $(patsubst %,$(B)/tests/dns/%.o,behave hostile_dns later packet zone)

$(B)/tests/dns/%.o: tests/dns/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/hostile_dns: $(DNS_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

check-unit: $(B)/tests/hostile_dns

.PHONY: check-recursion
check-recursion: all ## own recursion from the root and DNSSEC, in a network namespace (root)
	$(call need_root,it makes a network namespace)
	@bash tests/dns/recursion.sh $(B)

-include $(DNS_OBJ:.o=.d)
