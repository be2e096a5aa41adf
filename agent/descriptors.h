#ifndef PARALLAX_AGENT_DESCRIPTORS_H
#define PARALLAX_AGENT_DESCRIPTORS_H

enum { DESCRIPTORS_BESIDES = 64 };

/**
 * Each connection is a descriptor: asks for as many as the system lets us have.
 * @return how many there may be now, at most `wanted`, when DESCRIPTORS_BESIDES are for other things.
 */
unsigned descriptors_raise(unsigned wanted);

#endif
