/* SPDX-License-Identifier: MIT */
/*
 * dmarc_xml.h - aggregate reports on DMARC (RFC 9990)
 */
#ifndef CORE_CLI_DMARC_XML_H
#define CORE_CLI_DMARC_XML_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;

/* "4f0c...": the same for the same report, however often it is made. */
#define DMARC_XML_ID_SIZE 17u
void dmarc_xml_id(char out[DMARC_XML_ID_SIZE], const json_t *report);
/*
 * receiver!domain!begin!end!id.xml.gz (RFC 9990 section 3.5.2); false: the daemon says of a domain
 * what no file can be called.
 */
bool dmarc_xml_file(const json_t *report, char *out, size_t size);
/* The report whose rows are those of the array from first on, before end. */
void dmarc_xml(struct buf *, const json_t *report, const json_t *rows, size_t first, size_t end);

#endif
