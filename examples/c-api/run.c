/*===- run.c - Generates text through the C API
----------------------------===*\
|*
|* Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* usage: run MODEL.moe PROMPT COUNT: the most probable bytes after the prompt,
|* with a quarter of the experts in memory.
|*
\*===----------------------------------------------------------------------===*/
#include <moe_rt/moe_rt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs `count` tokens that stand behind `past` others; the best next byte. */
static int next_byte(moe_rt_session *session, moe_rt_model *model,
                     const int64_t *tokens, int64_t past, int64_t count) {
  int64_t shape[2] = {1, 0};
  int64_t *positions = malloc(count * sizeof(*positions));
  int32_t ids = moe_rt_model_find_input(model, "input_ids");
  int32_t places = moe_rt_model_find_input(model, "position_ids");
  moe_rt_tensor logits;
  int best = -1;
  shape[1] = count;
  for (int64_t i = 0; positions && i < count; ++i)
    positions[i] = past + i;
  if (positions &&
      moe_rt_session_set_input(session, ids, MOE_RT_I64, 2, shape, tokens) ==
          MOE_RT_OK &&
      moe_rt_session_set_input(session, places, MOE_RT_I64, 2, shape,
                               positions) == MOE_RT_OK &&
      moe_rt_session_run(session) == MOE_RT_OK &&
      moe_rt_session_output(session, moe_rt_model_find_output(model, "logits"),
                            &logits) == MOE_RT_OK) {
    const float *row =
        (const float *)logits.data + (logits.shape[1] - 1) * logits.shape[2];
    best = 0;
    for (int i = 1; i < (int)logits.shape[2]; ++i)
      if (row[i] > row[best])
        best = i;
  }
  free(positions);
  return best;
}

int main(int argc, char **argv) {
  moe_rt_context *context = moe_rt_context_create();
  moe_rt_model *model = NULL;
  moe_rt_session *session = NULL;
  moe_rt_options options;
  int64_t tokens[256], past = 0, count;
  int failed = 1;
  if (argc != 4 || strlen(argv[2]) == 0 || strlen(argv[2]) > 256) {
    fprintf(stderr, "usage: run MODEL.moe PROMPT COUNT\n");
    return 2;
  }
  moe_rt_options_init(&options);
  options.budget_percent = 25;
  if (moe_rt_model_load(context, argv[1], &model) == MOE_RT_OK &&
      moe_rt_session_open(model, &options, &session) == MOE_RT_OK) {
    count = (int64_t)strlen(argv[2]);
    for (int64_t i = 0; i < count; ++i)
      tokens[i] = (unsigned char)argv[2][i];
    failed = 0;
    for (int i = 0; i < atoi(argv[3]) && !failed; ++i) {
      int byte = next_byte(session, model, tokens, past, count);
      failed = byte < 0;
      if (!failed)
        putchar(byte);
      past += count;
      tokens[0] = byte;
      count = 1;
    }
    putchar('\n');
  }
  if (failed)
    fprintf(stderr, "run: %s\n", moe_rt_context_last_error(context));
  if (session)
    moe_rt_session_close(session);
  if (model)
    moe_rt_model_free(model);
  moe_rt_context_destroy(context);
  return failed;
}
