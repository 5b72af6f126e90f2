/* adjtimex(2) as a kernel would answer whose clock follows a time service, or does not: what ADJTIMEX_SAYS says. */
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

int adjtimex(struct timex *said)
{
    const char *status = getenv("ADJTIMEX_SAYS");
    memset(said, 0, sizeof *said);
    said->status = status ? atoi(status) : 0;
    return said->status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}
