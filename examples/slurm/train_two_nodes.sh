#!/bin/bash
# Trains on two machines with 8 GPUs each; resumes by itself after pre-emption, a time limit or a lost machine.
#
#   sbatch examples/slurm/train_two_nodes.sh train --recipe teacher --encoder_name_or_path facebook/dinov2-large \
#     --train_data /shared/hypersim --output_dir /shared/runs/teacher
#
# A script of your own may stand in the place of the command. Submit it with data and output_dir on a file system that both
# machines see, and with save_steps in the recipe: what is lost when a machine dies is the work since the last checkpoint.
#SBATCH --job-name=depth-anything
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.out
# Ten minutes before the time limit every process gets SIGTERM; the loop saves and ends with SAVED_AND_STOPPED.
#SBATCH --signal=TERM@600

SAVED_AND_STOPPED=75

if [ $# -eq 0 ]; then
    echo "usage: sbatch $0 train|distill|finetune|script.py [flags, with --output_dir on a shared file system]" >&2
    exit 2
fi
case "$1" in
    *.py) program=(python "$@") ;;
    *) program=(depth-anything-hf "$@") ;;
esac

MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Two jobs on one machine must not meet at one port.
MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
WORLD_SIZE=$SLURM_NTASKS
export MASTER_ADDR MASTER_PORT WORLD_SIZE
export ACCELERATE_MIXED_PRECISION=${ACCELERATE_MIXED_PRECISION:-bf16}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# Slurm starts the processes, one per GPU, with the environment that `accelerate launch` would give them (and which
# the configuration two_nodes describes). The launcher itself would stand between them and Slurm: after a signal it
# leaves 30 seconds for saving, and it ends with 1 whatever their exit code. Ranks differ between the processes, so they
# are read in the inner shell. The main process ends last: it waits up to 600 seconds for the last push to the Hub, and
# --wait, which counts from the end of the first one, must not end it before.
srun --kill-on-bad-exit=0 --wait=720 bash -c '
    export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID
    exec "$@"
' train "${program[@]}" --resume_from_checkpoint latest
status=$?

if [ "$status" -eq "$SAVED_AND_STOPPED" ]; then
    echo "saved and stopped; the job goes back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit "$status"
