# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read public datasets in the layout in which they are downloaded, one file each.

- `catalog`: the table of all datasets, and how one is opened
- `spec`: what is known of a dataset
- `frames`: which files make a sample, and which are missing
- `formats`: decoders and camera matrices that several datasets share
- `check`: what samples of a dataset on disk hold, in numbers
- `captures`: what readers of recordings share: smaller maps, confidence, every Nth frame
- `sens`: the .sens files of ScanNet
- `hypersim`: Hypersim
- `vkitti2`: Virtual KITTI 2
- `tartanair`: TartanAir
- `irs`: IRS
- `tartanair_v2`: TartanAir V2
- `midair`: Mid-Air
- `spring`: Spring
- `unrealstereo4k`: UnrealStereo4K
- `mvs_synth`: MVS-Synth
- `urbansyn`: UrbanSyn
- `synthia`: SYNTHIA
- `carla`: recordings of CARLA
- `icl_nuim`: ICL-NUIM
- `replica`: Replica
- `taskonomy`: Taskonomy
- `stanford_2d3ds`: Stanford 2D-3D-S
- `blendedmvs`: BlendedMVS
- `nyu`: NYU Depth V2
- `kitti`: KITTI
- `diode`: DIODE
- `eth3d`: ETH3D
- `sintel`: MPI Sintel
- `ibims`: iBims-1
- `seven_scenes`: 7-Scenes
- `scannet`: ScanNet
- `scannetpp`: ScanNet++
- `sun_rgbd`: SUN RGB-D
- `tum_rgbd`: TUM RGB-D
- `matterport3d`: Matterport3D
- `arkitscenes`: ARKitScenes
- `ddad`: DDAD
- `bop`: data sets of BOP
- `stray_scanner`: recordings of Stray Scanner
- `polycam`: recordings of Polycam
- `record3d`: recordings of Record3D
- `middlebury`: Middlebury stereo
- `da_2k`: DA-2K
- `moge_bundle`: the evaluation bundle of MoGe
"""
